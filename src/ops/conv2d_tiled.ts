/** How convolutions are computed on GPUs: as products of matrices in tiles (kernels/lib/gemm), patches taken from x as it lies. */
import tiledImplicitGemm from '../../kernels/conv2d/tiled_implicit_gemm.wgsl';
import tiledImplicitGemmF16 from '../../kernels/conv2d/tiled_implicit_gemm_f16.wgsl';
import tiledWeight from '../../kernels/conv2d/tiled_weight.wgsl';
import tiledWeightF16 from '../../kernels/conv2d/tiled_weight_f16.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import type { Launch, Variants } from '../graph/tensor.ts';
import { type Convolution, convolutionSizes, reduction, sliceCount, transposedWeight } from './conv2d_launches.ts';
import { padded, product } from './conv2d_padding.ts';
import { cores, type Tile, termsOfPartialSum, threadsOf, tileConstants, tiledVariants } from './tiles.ts';

/** Tiles of pixels × out channels. */
export const forwardVariants = (conv: Convolution): Variants => implicitGemmVariants(conv, false);

/** dx is gathered from dy with transposed weights; with a stride, each class of its pixels by itself. */
export function backwardInputVariants(conv: Convolution): Variants {
  const { w, x, y } = conv;
  const [transpose, wt] = transposedWeight(w);
  return implicitGemmVariants({ ...conv, x: y, w: wt, y: x }, true, [transpose]);
}

/** Tiles of out channels × columns of w, in slices of the pixels. */
export const backwardWeightVariants = (conv: Convolution): Variants =>
  tiledVariants(
    conv.device,
    'wide',
    (tile) => {
      const { across, down, slices, slice } = weightGrid(conv, tile);
      return { groups: across * down * slices, terms: slice + (slices > 1 ? termsOfPartialSum : 0) };
    },
    (tile) => weightLaunches(conv, tile),
  );

function implicitGemmVariants(conv: Convolution, inputGradient: boolean, before: readonly Launch[] = []): Variants {
  const { attrs, x, w, y, flops } = conv;
  const step = inputGradient ? attrs.stride : 1;
  const [batch, height, width, channels] = y.shape;
  const pixels = batch * Math.ceil(height / step) * Math.ceil(width / step);
  const across = ({ columns }: Tile) => Math.ceil(channels / columns);
  const down = ({ rows }: Tile) => step * step * Math.ceil(pixels / rows);
  return tiledVariants(
    conv.device,
    'tall',
    (tile) => ({ groups: across(tile) * down(tile), terms: 1 }),
    (tile) => {
      const [rows, layers] = grid1d(down(tile), 1);
      const launch: Launch = {
        kernel: x.dtype === 'f16' ? tiledImplicitGemmF16 : tiledImplicitGemm,
        constants: tileConstants(tile),
        bindings: { x: x.bound, w: w.bound, y: y.bound },
        params: { ...convolutionSizes(attrs, x.shape, w.shape, y.shape), input_gradient: Number(inputGradient) },
        workgroups: [across(tile), rows, layers],
        flops,
      };
      return [...before, launch];
    },
  );
}

/** Pixels that a slice has at least: its partial sums then take a quarter of the time of its products. */
const shortestSlice = 4 * termsOfPartialSum;

/** Slices so that each core has about 4 of the largest workgroups, or as many threads in smaller ones; each whole steps long. */
function weightGrid({ w: dw, y: dy }: Convolution, tile: Tile) {
  const length = product(dw.shape);
  const pixels = product(dy.shape.slice(0, 3));
  const [across, down] = [Math.ceil(length / dw.shape[0] / tile.columns), Math.ceil(dw.shape[0] / tile.rows)];
  const filling = Math.ceil((cores * 1024) / threadsOf(tile) / (across * down));
  const wanted = Math.min(filling, Math.ceil(pixels / shortestSlice));
  const slice = Math.ceil(pixels / sliceCount(wanted, pixels, length) / tile.depth) * tile.depth;
  return { across, down, slice, slices: Math.ceil(pixels / slice) };
}

/** Partial sums over slices of the pixels, then their sum. */
function weightLaunches(conv: Convolution, tile: Tile): Launch[] {
  const { attrs, x, w: dw, y: dy, flops } = conv;
  const { across, down, slice, slices } = weightGrid(conv, tile);
  const partials = slices === 1 ? dw : padded('partials', [slices, product(dw.shape)], 'f32');
  const sum: Launch = {
    kernel: x.dtype === 'f16' ? tiledWeightF16 : tiledWeight,
    constants: tileConstants(tile),
    bindings: { dy: dy.bound, x: x.bound, partials: partials.bound },
    params: { ...convolutionSizes(attrs, x.shape, dw.shape, dy.shape), slice },
    workgroups: [across, down, slices],
    flops,
  };
  return slices === 1 ? [sum] : [sum, reduction(partials, dw, slices)];
}
