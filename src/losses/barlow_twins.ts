import { check, type Tensor } from '../graph/tensor.ts';
import { add } from '../ops/add.ts';
import { div, mul, sub } from '../ops/binary.ts';
import { matmul } from '../ops/matmul.ts';
import { mean, sum } from '../ops/reduce.ts';
import { sqrt, square } from '../ops/unary.ts';
import { centred } from './centred.ts';
import { alike } from './distance.ts';

/** Constants of `barlowTwins`. */
export interface BarlowTwinsOptions {
  /** λ: the weight of the redundancy-reduction term. */
  readonly redundancyWeight: number;
  /** Added to the variances, as in batch norm. */
  readonly eps?: number;
}

/** What `barlowTwins` computes. */
export interface BarlowTwins {
  /** [1] */
  readonly loss: Tensor;
  /** `[1]`: Σ_i (1 − C_ii)². */
  readonly invariance: Tensor;
  /** `[1]`: Σ_i Σ_{j≠i} C_ij², without λ. */
  readonly redundancy: Tensor;
  /** C [D, D] */
  readonly correlation: Tensor;
}

/**
 * Barlow Twins (Zbontar et al., 2021, eq. 1) of the embeddings z₁, z₂ [N, D] of two views, row i of both of one image. Their
 * cross-correlation over the batch is pulled to the identity:
 *
 *   C_ij = mean_n ẑ₁_ni ẑ₂_nj,   ẑ = (z − mean_n z) / √(var_n z + ε),   var biased, as batch norm without weight and bias has it
 *   loss = Σ_i (1 − C_ii)² + λ Σ_i Σ_{j≠i} C_ij²
 *
 * The diagonal is computed by itself too, so that no mask of D × D is stored beside C and its squares. Constant embeddings give D.
 */
export function barlowTwins(z1: Tensor, z2: Tensor, { redundancyWeight, eps = 1e-5 }: BarlowTwinsOptions): BarlowTwins {
  check(z1.shape.length === 2, 'barlow_twins', 'the embeddings must be matrices', z1, z2);
  const [a, b] = alike('barlow_twins', z1, z2).map((z) => standardised(z, eps));
  const correlation = mul(matmul(a, b, { transposeA: true }), 1 / z1.shape[0]);
  const diagonal = mean(mul(a, b), 0);
  const invariance = sum(square(sub(1, diagonal)));
  const redundancy = sub(sum(square(correlation)), sum(square(diagonal)));
  return { loss: add(invariance, mul(redundancy, redundancyWeight)), invariance, redundancy, correlation };
}

/** Batch norm without weight and bias, which keeps no running statistics. */
function standardised(z: Tensor, eps: number): Tensor {
  const apart = centred(z);
  return div(apart, sqrt(add(mean(square(apart), 0, { keepdim: true }), eps)));
}
