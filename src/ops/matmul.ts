import { check, type Op, type Tensor, type Variants } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';
import { cast } from './cast.ts';
import { matmulEmulatedVariants, matmulMatrixVariants } from './matmul_matrix.ts';
import { type MatmulAttributes, type Product, portableVariants } from './matmul_portable.ts';
import { matmulSubgroupVariants } from './matmul_subgroup.ts';
import { matmulTiledVariants } from './matmul_tiled.ts';
import { sum } from './reduce.ts';
import { ordered } from './variants.ts';

/**
 * c[m, n] = Σ_k A[m, k] B[k, n] + bias[n], where A is a [M, K] or aᵀ of a [K, M], and B is b [K, N] or bᵀ of b [N, K]. a and b are
 * both f32 or both f16; sums, bias and c are f32.
 */
export const matmulOp: Op<MatmulAttributes> = {
  name: 'matmul',
  infer([a, b, bias], { transposeA, transposeB }) {
    const types = a.dtype === b.dtype && (a.dtype === 'f32' || a.dtype === 'f16');
    const matrices = [a, b].every(({ shape }) => shape.length === 2);
    check(matrices && types, 'matmul', 'both inputs must be f32 matrices, or both f16', a, b);
    const [m, k] = transposeA ? a.shape.toReversed() : a.shape;
    const [depth, n] = transposeB ? b.shape.toReversed() : b.shape;
    const kinds = `A${transposeA ? 'ᵀ' : ''} and B${transposeB ? 'ᵀ' : ''}`;
    check(k === depth, 'matmul', `the columns of A must be as many as the rows of B in the product of ${kinds}`, a, b);
    if (bias) check(bias.shape.join() === `${n}`, 'matmul', `the bias must have shape [${n}]`, bias);
    return [{ shape: [m, n], dtype: 'f32' }];
  },
  launches: ({ inputs: [a, b, bias], outputs: [c], attrs, device, selectVariant }) =>
    selectVariant(matmulVariants({ device, attrs, a, b, bias, c })),
  // C = A B: dA = dC Bᵀ, dB = Aᵀ dC; each the other way round where the input was given transposed. dC is f32.
  gradient({ inputs: [a, b, bias], attrs: { transposeA, transposeB } }, [dc]) {
    if (!dc) return [];
    const [wideA, wideB] = [cast(a, 'f32'), cast(b, 'f32')];
    const da = transposeA
      ? matmul(wideB, dc, { transposeA: transposeB, transposeB: true })
      : matmul(dc, wideB, { transposeB: !transposeB });
    const db = transposeB
      ? matmul(dc, wideA, { transposeA: true, transposeB: transposeA })
      : matmul(wideA, dc, { transposeA: !transposeA });
    return [cast(da, a.dtype), cast(db, b.dtype), bias && sum(dc, 0)];
  },
};

const matmulVariants = (product: Product): Variants => ({
  ...ordered(
    product.device,
    matmulSubgroupVariants(product),
    portableVariants(product),
    matmulTiledVariants(product),
    matmulMatrixVariants(product),
  ),
  ...matmulEmulatedVariants(product),
});

/** Matrix product of a [M, K] and b [K, N], each optionally given transposed, plus `bias` [N] on every row: [M, N]. */
export const matmul = (
  a: Tensor,
  b: Tensor,
  { transposeA = false, transposeB = false, bias }: Partial<MatmulAttributes> & { bias?: Tensor } = {},
): Tensor => apply(matmulOp, bias ? [a, b, bias] : [a, b], { transposeA, transposeB })[0];
