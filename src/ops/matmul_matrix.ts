/** How products of f16 matrices are computed on matrix units. */
import forward8x8x8 from '../../kernels/matmul/matrix_8x8x8.wgsl';
import forward8x16x16 from '../../kernels/matmul/matrix_8x16x16.wgsl';
import forward16x16x16 from '../../kernels/matmul/matrix_16x16x16.wgsl';
import forwardEmulated from '../../kernels/matmul/matrix_emulated.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import type { Variants } from '../graph/tensor.ts';
import { countSlices, inSlices, type Product, productSizes } from './matmul_portable.ts';
import {
  emulatedVariants,
  type MatrixBlock,
  type MatrixProduct,
  matrixVariants,
  wantedGroups,
} from './matrix_units.ts';

const kernels = {
  '16x16x16': forward16x16x16,
  '8x16x16': forward8x16x16,
  '8x8x8': forward8x8x8,
  emulated: forwardEmulated,
};

/** On matrix units; none for f32, for devices without, and for matrices whose rows are no whole fours. */
export const matmulMatrixVariants = (product: Product): Variants => variants(product, matrixVariants);

/** The same kernel with units emulated. */
export const matmulEmulatedVariants = (product: Product): Variants => variants(product, emulatedVariants);

function variants(product: Product, of: (product: MatrixProduct) => Variants): Variants {
  const { a, b } = product;
  return a.dtype === 'f16' && a.shape[1] % 4 === 0 && b.shape[1] % 4 === 0 ? of(blockwise(product)) : {};
}

function blockwise(product: Product): MatrixProduct {
  const { device, attrs, a, b, bias, c } = product;
  const { rows, columns, depth } = productSizes(product);
  const grid = (block: MatrixBlock) => {
    const blocks = Math.ceil(rows / block.rows) * Math.ceil(columns / block.columns);
    // Whole steps: only the last one of all is filled up with zeros.
    const depthOfSlice =
      Math.ceil(depth / countSlices(Math.ceil(wantedGroups / blocks), depth, c.size) / block.depth) * block.depth;
    return { blocks, depthOfSlice, slices: Math.ceil(depth / depthOfSlice) };
  };
  return {
    device,
    kernels,
    leftAcross: attrs.transposeA,
    rightAcross: !attrs.transposeB,
    work(block) {
      const { blocks, depthOfSlice, slices } = grid(block);
      return { groups: blocks * slices, terms: depthOfSlice };
    },
    launches(block) {
      const { blocks, depthOfSlice, slices } = grid(block);
      return inSlices(c, slices, (target) => ({
        kernel: block.kernel,
        constants: block.constants,
        bindings: { a, b, bias: bias ?? a, c: target },
        params: { rows, columns, depth, depth_of_slice: depthOfSlice, add_bias: Number(bias !== undefined) },
        workgroups: grid1d(blocks * slices, 1),
        flops: 2 * rows * columns * depth,
      }));
    },
  };
}
