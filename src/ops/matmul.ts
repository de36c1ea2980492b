import forward from '../../kernels/matmul/forward.wgsl';
import type { DeviceTraits } from '../gpu/device.ts';
import { grid1d } from '../gpu/kernel.ts';
import { bytesPerElement, check, type Launch, type Op, Scratch, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';
import { sumRows, sumRowsLaunches } from './sum_rows.ts';

interface Attrs {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** c[m, n] = Σ_k A[m, k] B[k, n] + bias[n], where A is a [M, K] or aᵀ of a [K, M], and B is b [K, N] or bᵀ of b [N, K]. */
export const matmulOp: Op<Attrs> = {
  name: 'matmul',
  infer([a, b, bias], { transposeA, transposeB }) {
    const matrices = [a, b].every(({ shape, dtype }) => shape.length === 2 && dtype === 'f32');
    check(matrices, 'matmul', 'both inputs must be f32 matrices', a, b);
    const [m, k] = transposeA ? a.shape.toReversed() : a.shape;
    const [depth, n] = transposeB ? b.shape.toReversed() : b.shape;
    const kinds = `A${transposeA ? 'ᵀ' : ''} and B${transposeB ? 'ᵀ' : ''}`;
    check(k === depth, 'matmul', `the columns of A must be as many as the rows of B in the product of ${kinds}`, a, b);
    if (bias) check(bias.shape.join() === `${n}`, 'matmul', `the bias must have shape [${n}]`, bias);
    return [{ shape: [m, n], dtype: 'f32' }];
  },
  launches({ inputs: [a, b, bias], outputs: [c], attrs, device }) {
    const plan = orient(a, b, c, attrs, bias !== undefined);
    const { rows, columns, depth } = plan.params;
    const tiles = Math.ceil(rows / tileRows) * Math.ceil(columns / tileColumns);
    const slices = countSlices(tiles, depth, c.size, device);
    const slice = Math.ceil(depth / slices);
    const partial = slices > 1 ? new Scratch('slices of the sum', slices * c.size * bytesPerElement) : undefined;
    const product: Launch = {
      kernel: forward,
      bindings: { a: plan.left, b: plan.right, bias: bias ?? a, c: partial ?? c },
      params: { ...plan.params, slice },
      workgroups: grid1d(tiles * slices, 1),
      flops: 2 * rows * columns * depth,
    };
    return partial ? [product, ...sumRowsLaunches(partial, c, slices, c.size)] : [product];
  },
  // C = A B: dA = dC Bᵀ, dB = Aᵀ dC; each the other way round where the input was given transposed.
  gradient({ inputs: [a, b, bias], attrs: { transposeA, transposeB } }, [dc]) {
    if (!dc) return [];
    const da = transposeA
      ? matmul(b, dc, { transposeA: transposeB, transposeB: true })
      : matmul(dc, b, { transposeB: !transposeB });
    const db = transposeB
      ? matmul(dc, a, { transposeA: true, transposeB: transposeA })
      : matmul(a, dc, { transposeA: !transposeA });
    return [da, db, bias && sumRows(dc)];
  },
};

/** What one workgroup of the kernel computes. */
const tileRows = 8;
const tileColumns = 128;
/** Terms that a slice of the sum has at least, and slices there are at most. */
const shortestSlice = 64;
const mostSlices = 64;
const mostPartialBytes = 2 ** 26;

/** Slices of the sum, so that even a small product with a long sum fills the device. At least one; none is empty. */
function countSlices(tiles: number, depth: number, size: number, device: DeviceTraits): number {
  const wanted = Math.ceil((device.software ? 16 : 1024) / tiles);
  const most = Math.min(mostSlices, Math.floor(depth / shortestSlice), mostPartialBytes / (size * bytesPerElement));
  const slices = Math.max(1, Math.floor(Math.min(wanted, most)));
  return Math.ceil(depth / Math.ceil(depth / slices));
}

/** Strides for the kernel. Tiles are wide: where a tall product wastes less of them, Cᵀ = Bᵀ Aᵀ is computed into the same memory. */
function orient(a: Tensor, b: Tensor, c: Tensor, { transposeA, transposeB }: Attrs, hasBias: boolean) {
  const [m, n] = c.shape;
  const depth = a.size / m;
  const [aRow, aDepth] = transposeA ? [1, m] : [depth, 1];
  const [bDepth, bColumn] = transposeB ? [1, depth] : [n, 1];
  const padded = (rows: number, columns: number) =>
    Math.ceil(rows / tileRows) * tileRows * Math.ceil(columns / tileColumns) * tileColumns;
  if (padded(m, n) <= padded(n, m)) {
    const strides = { a_row: aRow, a_depth: aDepth, b_depth: bDepth, b_column: bColumn, c_row: n, c_column: 1 };
    return { left: a, right: b, params: { rows: m, columns: n, depth, ...strides, bias_along: hasBias ? 1 : 0 } };
  }
  const strides = { a_row: bColumn, a_depth: bDepth, b_depth: aDepth, b_column: aRow, c_row: 1, c_column: n };
  return { left: b, right: a, params: { rows: n, columns: m, depth, ...strides, bias_along: hasBias ? 2 : 0 } };
}

/** Matrix product of a [M, K] and b [K, N], each optionally given transposed, plus `bias` [N] on every row: [M, N]. */
export const matmul = (
  a: Tensor,
  b: Tensor,
  { transposeA = false, transposeB = false, bias }: Partial<Attrs> & { bias?: Tensor } = {},
): Tensor => apply(matmulOp, bias ? [a, b, bias] : [a, b], { transposeA, transposeB })[0];
