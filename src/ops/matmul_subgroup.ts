/** How matrix products are computed by threads that share their loads through quads (kernels/lib/matmul/subgroup.wgsl). */
import subgroup from '../../kernels/matmul/subgroup.wgsl';
import subgroupF16 from '../../kernels/matmul/subgroup_f16.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import type { Launch, Tensor, Variants } from '../graph/tensor.ts';
import { countSlices, inSlices, type Product, productSizes } from './matmul_portable.ts';

/** What one workgroup of the kernel computes. */
const tileRows = 16;
const tileColumns = 64;

/** Offered by devices with subgroups for matrices whose rows in memory are whole fours. */
export function matmulSubgroupVariants(product: Product): Variants {
  const { device, a, b } = product;
  const whole = [a, b].every(({ shape }) => shape[1] % 4 === 0);
  return device.features.has('subgroups') && whole ? { subgroup: () => launches(product) } : {};
}

/** A factor of the kernel's product: the tensor, the rows or columns of the product along it, and whether its own rows run along the sum. */
interface Factor {
  readonly tensor: Tensor;
  readonly size: number;
  readonly deep: boolean;
}

const tilesOf = (left: Factor, right: Factor): number =>
  Math.ceil(left.size / tileRows) * Math.ceil(right.size / tileColumns);

/** Tiles are wide: where a tall product wastes less of them, Cᵀ = Bᵀ Aᵀ is computed into the same memory. */
function launches(product: Product): Launch[] {
  const { device, attrs, bias, c } = product;
  const { rows, columns, depth } = productSizes(product);
  const a = { tensor: product.a, size: rows, deep: !attrs.transposeA };
  const b = { tensor: product.b, size: columns, deep: attrs.transposeB };
  const swapped = tilesOf(b, a) < tilesOf(a, b);
  const [left, right] = swapped ? [b, a] : [a, b];
  const tiles = tilesOf(left, right);
  const wanted = Math.ceil((device.software ? 16 : 1024) / tiles);
  const slice = Math.ceil(depth / countSlices(wanted, depth, c.size) / 4) * 4;
  const slices = Math.ceil(depth / slice);
  const biasAlong = swapped ? 2 : 1;
  return inSlices(c, slices, (target) => ({
    kernel: left.tensor.dtype === 'f16' ? subgroupF16 : subgroup,
    constants: { left_deep: Number(left.deep), right_deep: Number(right.deep) },
    bindings: { left: left.tensor, right: right.tensor, bias: bias ?? left.tensor, c: target },
    params: {
      ...{ rows: left.size, columns: right.size, depth, slice, slices },
      ...{ left_pitch: left.tensor.shape[1] / 4, right_pitch: right.tensor.shape[1] / 4 },
      ...(swapped ? { c_row: 1, c_column: columns } : { c_row: columns, c_column: 1 }),
      bias_along: bias ? biasAlong : 0,
    },
    workgroups: grid1d(tiles * slices, 1),
    flops: 2 * rows * columns * depth,
  }));
}
