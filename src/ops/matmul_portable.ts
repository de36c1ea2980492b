/** How matrix products are computed by the kernel that runs anywhere, without workgroup memory or barriers. */
import forward from '../../kernels/matmul/forward.wgsl';
import forwardF16 from '../../kernels/matmul/forward_f16.wgsl';
import type { DeviceTraits } from '../gpu/device.ts';
import { grid1d } from '../gpu/kernel.ts';
import { bytesPerElement, type Launch, Scratch, type Tensor, type Variants } from '../graph/tensor.ts';
import { sumLaunches } from './reduce.ts';

export interface MatmulAttributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** c [M, N] = A B + bias [N]; A is a [M, K] or the transpose of a [K, M], B is b [K, N] or the transpose of b [N, K]. */
export interface Product {
  readonly device: DeviceTraits;
  readonly attrs: MatmulAttributes;
  readonly a: Tensor;
  readonly b: Tensor;
  readonly bias: Tensor | undefined;
  readonly c: Tensor;
}

/** M, N and K. */
export function productSizes({ a, c }: Product): { rows: number; columns: number; depth: number } {
  const [rows, columns] = c.shape;
  return { rows, columns, depth: a.size / rows };
}

export const portableVariants = (product: Product): Variants => ({ portable: () => portableLaunches(product) });

function portableLaunches(product: Product): Launch[] {
  const { device, a, bias, c } = product;
  const plan = orient(product);
  const { rows, columns, depth } = plan.params;
  const tiles = Math.ceil(rows / tileRows) * Math.ceil(columns / tileColumns);
  const slices = countSlices(Math.ceil((device.software ? 16 : 1024) / tiles), depth, c.size);
  return inSlices(c, slices, (target) => ({
    kernel: a.dtype === 'f16' ? forwardF16 : forward,
    bindings: { a: plan.left, b: plan.right, bias: bias ?? a, c: target },
    params: { ...plan.params, slice: Math.ceil(depth / slices) },
    workgroups: grid1d(tiles * slices, 1),
    flops: 2 * rows * columns * depth,
  }));
}

/** What one workgroup of the kernel computes. */
const tileRows = 8;
const tileColumns = 128;
/** Terms that a slice of the sum has at least, and slices there are at most. */
const shortestSlice = 64;
const mostSlices = 64;
const mostPartialBytes = 2 ** 26;

/** Slices of the sum, so that even a small product (`size` elements) with a long sum fills the device. At least one; none is empty. */
export function countSlices(wanted: number, depth: number, size: number): number {
  const most = Math.min(mostSlices, Math.floor(depth / shortestSlice), mostPartialBytes / (size * bytesPerElement));
  const slices = Math.max(1, Math.floor(Math.min(wanted, most)));
  return Math.ceil(depth / Math.ceil(depth / slices));
}

/** The launch that `make` gives for one slice straight into c, for more into partial sums that are then added up. */
export function inSlices(c: Tensor, slices: number, make: (target: Tensor | Scratch) => Launch): Launch[] {
  if (slices === 1) return [make(c)];
  const partial = new Scratch('slices of the sum', slices * c.size * bytesPerElement);
  return [make(partial), ...sumLaunches(partial, c, slices, c.size)];
}

/** Strides for the kernel. Tiles are wide: where a tall product wastes less of them, Cᵀ = Bᵀ Aᵀ is computed into the same memory. */
function orient(product: Product) {
  const { a, b, bias, attrs } = product;
  const { rows: m, columns: n, depth } = productSizes(product);
  const [aRow, aDepth] = attrs.transposeA ? [1, m] : [depth, 1];
  const [bDepth, bColumn] = attrs.transposeB ? [1, depth] : [n, 1];
  const padded = (rows: number, columns: number) =>
    Math.ceil(rows / tileRows) * tileRows * Math.ceil(columns / tileColumns) * tileColumns;
  if (padded(m, n) <= padded(n, m)) {
    const strides = { a_row: aRow, a_depth: aDepth, b_depth: bDepth, b_column: bColumn, c_row: n, c_column: 1 };
    return { left: a, right: b, params: { rows: m, columns: n, depth, ...strides, bias_along: bias ? 1 : 0 } };
  }
  const strides = { a_row: bColumn, a_depth: bDepth, b_depth: aDepth, b_column: aRow, c_row: 1, c_column: n };
  return { left: b, right: a, params: { rows: n, columns: m, depth, ...strides, bias_along: bias ? 2 : 0 } };
}
