import forward from '../../kernels/bmm/forward.wgsl';
import forwardF16 from '../../kernels/bmm/forward_f16.wgsl';
import forwardScalar from '../../kernels/bmm/forward_scalar.wgsl';
import forwardScalarF16 from '../../kernels/bmm/forward_scalar_f16.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { check, type Op, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';

interface Attrs {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** For lines of memory of whole vec4s, and of any length. */
const kernels = { f32: [forward, forwardScalar], f16: [forwardF16, forwardScalarF16] };

/**
 * c[n, i, j] = Σ_k A[n, i, k] B[n, k, j], where A[n] is a[n] [M, K] or the transpose of a[n] [K, M], and B[n] is b[n]
 * [K, N] or the transpose of b[n] [N, K]. a, b and c are all f32 or all f16; sums are f32.
 */
export const bmmOp: Op<Attrs> = {
  name: 'bmm',
  infer([a, b], attrs) {
    const types = a.dtype === b.dtype && (a.dtype === 'f32' || a.dtype === 'f16');
    check(
      [a, b].every(({ shape }) => shape.length === 3) && types,
      'bmm',
      'both inputs must be f32 [B, ., .], or both f16',
      a,
      b,
    );
    check(a.shape[0] === b.shape[0], 'bmm', 'both inputs must have as many matrices', a, b);
    const { rows, columns, depth, depthOfB } = sizes(a, b, attrs);
    const kinds = `A${attrs.transposeA ? 'ᵀ' : ''} and B${attrs.transposeB ? 'ᵀ' : ''}`;
    check(
      depth === depthOfB,
      'bmm',
      `the columns of A must be as many as the rows of B in the product of ${kinds}`,
      a,
      b,
    );
    return [{ shape: [a.shape[0], rows, columns], dtype: a.dtype }];
  },
  launches({ inputs: [a, b], outputs: [c], attrs }) {
    const { rows, columns, depth } = sizes(a, b, attrs);
    const [batch] = a.shape;
    const wide = [a, b].every(({ shape }) => shape[2] % 4 === 0);
    const blocks = batch * Math.ceil(rows / 4) * Math.ceil(columns / 4);
    return [
      {
        kernel: kernels[a.dtype === 'f16' ? 'f16' : 'f32'][wide ? 0 : 1],
        constants: { a_deep: Number(!attrs.transposeA), b_deep: Number(attrs.transposeB) },
        bindings: { a, b, c },
        params: { batch, rows, columns, depth },
        workgroups: grid1d(blocks, 64),
        flops: 2 * c.size * depth,
      },
    ];
  },
  // C = A B: dA = dC Bᵀ, dB = Aᵀ dC; each the other way round where the input was given transposed.
  gradient({ inputs: [a, b], attrs: { transposeA, transposeB } }, [dc]) {
    if (!dc) return [];
    const da = transposeA
      ? bmm(b, dc, { transposeA: transposeB, transposeB: true })
      : bmm(dc, b, { transposeB: !transposeB });
    const db = transposeB
      ? bmm(dc, a, { transposeA: true, transposeB: transposeA })
      : bmm(a, dc, { transposeA: !transposeA });
    return [da, db];
  },
};

function sizes(a: Tensor, b: Tensor, { transposeA, transposeB }: Attrs) {
  const [rows, depth] = transposeA ? a.shape.slice(1).toReversed() : a.shape.slice(1);
  const [depthOfB, columns] = transposeB ? b.shape.slice(1).toReversed() : b.shape.slice(1);
  return { rows, columns, depth, depthOfB };
}

/**
 * As `torch.bmm`: the products of the matrices of a [B, M, K] and b [B, K, N], each optionally given transposed → [B,
 * M, N]. Both are f32 or f16, and so is the product.
 */
export const bmm = (a: Tensor, b: Tensor, { transposeA = false, transposeB = false }: Partial<Attrs> = {}): Tensor =>
  apply(bmmOp, [a, b], { transposeA, transposeB })[0];
