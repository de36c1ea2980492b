/** How matrix products are computed on GPUs: in tiles through workgroup memory (kernels/lib/gemm). */
import tiled from '../../kernels/matmul/tiled.wgsl';
import tiledF16 from '../../kernels/matmul/tiled_f16.wgsl';
import tiledScalar from '../../kernels/matmul/tiled_scalar.wgsl';
import { grid1d, type Kernel } from '../gpu/kernel.ts';
import type { Launch, Variants } from '../graph/tensor.ts';
import { countSlices, inSlices, type Product, productSizes } from './matmul_portable.ts';
import { cores, type Tile, termsOfPartialSum, threadsOf, tileConstants, tiledVariants } from './tiles.ts';

/** One variant a tile; none for f16 matrices whose rows are no whole vec4s. */
export function matmulTiledVariants(product: Product): Variants {
  const kernel = kernelOf(product);
  if (!kernel) return {};
  return tiledVariants(
    product.device,
    'tall',
    (tile) => {
      const { groups, slices, slice } = cut(product, tile);
      return { groups, terms: slice + (slices > 1 ? termsOfPartialSum : 0) };
    },
    (tile) => launches(product, kernel, tile),
  );
}

/** Elements from a row of a and of b to the next in memory, and whether rows run along the sum. */
function layout(product: Product) {
  const { transposeA, transposeB } = product.attrs;
  const { rows, columns, depth } = productSizes(product);
  return {
    a_pitch: transposeA ? rows : depth,
    a_deep: Number(!transposeA),
    b_pitch: transposeB ? depth : columns,
    b_deep: Number(transposeB),
  };
}

/** Loads of 16 bytes where rows of all three matrices are whole vec4s, else single elements. */
function kernelOf(product: Product): Kernel | undefined {
  const { a_pitch, b_pitch } = layout(product);
  const whole = [a_pitch, b_pitch, productSizes(product).columns].every((pitch) => pitch % 4 === 0);
  if (product.a.dtype === 'f16') return whole ? tiledF16 : undefined;
  return whole ? tiled : tiledScalar;
}

/**
 * Tiles in slices of the sum, as many as give each core 2 of the largest workgroups or as many threads
 * in smaller ones; each whole steps long.
 */
function cut(product: Product, tile: Tile): { groups: number; slices: number; slice: number } {
  const { rows, columns, depth } = productSizes(product);
  const tiles = Math.ceil(rows / tile.rows) * Math.ceil(columns / tile.columns);
  const wanted = Math.ceil((cores * 512) / threadsOf(tile) / tiles);
  const slice = Math.ceil(depth / countSlices(wanted, depth, product.c.size) / tile.depth) * tile.depth;
  const slices = Math.ceil(depth / slice);
  return { groups: tiles * slices, slices, slice };
}

function launches(product: Product, kernel: Kernel, tile: Tile): Launch[] {
  const { a, b, bias, c } = product;
  const { rows, columns, depth } = productSizes(product);
  const { groups, slices, slice } = cut(product, tile);
  return inSlices(c, slices, (target) => ({
    kernel,
    constants: tileConstants(tile),
    bindings: { a, b, bias: bias ?? a, c: target },
    params: { rows, columns, depth, slice, ...layout(product), has_bias: Number(bias !== undefined) },
    workgroups: grid1d(groups, 1),
    flops: 2 * rows * columns * depth,
  }));
}
