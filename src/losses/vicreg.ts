import { check, type Tensor } from '../graph/tensor.ts';
import { add } from '../ops/add.ts';
import { mul, sub } from '../ops/binary.ts';
import { matmul } from '../ops/matmul.ts';
import { mean, sum } from '../ops/reduce.ts';
import { relu } from '../ops/relu.ts';
import { sqrt, square } from '../ops/unary.ts';
import { centred } from './centred.ts';
import { alike } from './distance.ts';
import { mse } from './mse.ts';

/** Constants of `vicreg`. */
export interface VicregOptions {
  /** λ, μ and ν of the paper: the weights of the three terms. */
  readonly invarianceWeight: number;
  readonly varianceWeight: number;
  readonly covarianceWeight: number;
  /** γ: the standard deviation that every dimension is to have at least. */
  readonly gamma?: number;
  readonly eps?: number;
}

/** The loss and its three terms without their weights, [1] each. */
export interface Vicreg {
  readonly loss: Tensor;
  readonly invariance: Tensor;
  readonly variance: Tensor;
  readonly covariance: Tensor;
}

/**
 * VICReg (Bardes, Ponce & LeCun, 2022, eq. 1 to 6) of the embeddings z₁, z₂ [N, D] of two views, N ≥ 2, row i of both of one image:
 *
 *   loss = λ s(z₁, z₂) + μ ½ (v(z₁) + v(z₂)) + ν (c(z₁) + c(z₂))
 *   s = mean of (z₁ − z₂)²;   v(z) = mean_j max(0, γ − √(var_j + ε));   c(z) = 1/D Σ_i Σ_{j≠i} cov_ij²,   both over N − 1
 *
 * Invariance, variance, covariance. As in the authors' code, s is a mean over all numbers and v one of both views; the paper's s is a sum
 * over D, and its v a sum of both. Each view is compared with itself only, so that the branches may differ. Constant embeddings give
 * μ (γ − √ε): 24.75 of the paper's.
 */
export function vicreg(
  z1: Tensor,
  z2: Tensor,
  { invarianceWeight, varianceWeight, covarianceWeight, gamma = 1, eps = 1e-4 }: VicregOptions,
): Vicreg {
  check(
    z1.shape.length === 2 && z1.shape[0] >= 2,
    'vicreg',
    'the embeddings must be matrices of 2 rows or more',
    z1,
    z2,
  );
  const views = alike('vicreg', z1, z2).map((z) => moments(z, gamma, eps));
  const invariance = mse(z1, z2);
  const variance = mul(add(views[0].variance, views[1].variance), 0.5);
  const covariance = add(views[0].covariance, views[1].covariance);
  const spread = add(mul(variance, varianceWeight), mul(covariance, covarianceWeight));
  return { loss: add(mul(invariance, invarianceWeight), spread), invariance, variance, covariance };
}

/** v and c of one view. The diagonal of the covariance is the variance, so that no mask is needed to leave it out. */
function moments(z: Tensor, gamma: number, eps: number): { readonly variance: Tensor; readonly covariance: Tensor } {
  const [rows, columns] = z.shape;
  const apart = centred(z);
  const perDimension = mul(sum(square(apart), 0), 1 / (rows - 1));
  const covariances = mul(matmul(apart, apart, { transposeA: true }), 1 / (rows - 1));
  const others = sub(sum(square(covariances)), sum(square(perDimension)));
  return {
    variance: mean(relu(sub(gamma, sqrt(add(perDimension, eps))))),
    covariance: mul(others, 1 / columns),
  };
}
