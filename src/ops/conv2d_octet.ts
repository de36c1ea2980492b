/** How convolutions of f32 are computed by subgroups of exactly 8 lanes that load nothing twice (kernels/lib/conv2d/*_octet.wgsl). */
import backwardWeight from '../../kernels/conv2d/backward_weight_octet.wgsl';
import implicitGemm16 from '../../kernels/conv2d/implicit_gemm_octet_16.wgsl';
import implicitGemm32 from '../../kernels/conv2d/implicit_gemm_octet_32.wgsl';
import type { Launch, Variants } from '../graph/tensor.ts';
import { type Convolution, implicitGemmLaunch, transposedWeight, weightLaunches } from './conv2d_launches.ts';

/** Out channels (and columns of four channels of dw) that a workgroup computes. */
const across = 32;
const fewChannels = 8;

/**
 * Lavapipe's subgroups; GPUs choose among several sizes, for which the kernels are wrong. Results are those of the variant
 * `subgroup`, bit for bit: sums run in the same order.
 */
const offered = ({ device, x }: Convolution): boolean =>
  device.features.has('subgroups') && device.subgroupMinSize === 8 && device.subgroupMaxSize === 8 && x.dtype === 'f32';

/** Not for images: three channels fill a quarter of what these kernels load at once, and `subgroup` is faster. */
export const forwardVariants = (conv: Convolution): Variants =>
  conv.x.shape[3] < fewChannels ? {} : implicitGemmVariants(conv, false);

/** dx is gathered from dy with transposed weights. */
export function backwardInputVariants(conv: Convolution): Variants {
  const { w, x, y } = conv;
  const [transpose, wt] = transposedWeight(w);
  return implicitGemmVariants({ ...conv, x: y, w: wt, y: x }, true, [transpose]);
}

/** By the pixels of a tile: 32 need two thirds of the loads that 16 need for a product, but compile two to three times as long. */
const implicitGemmVariants = (conv: Convolution, inputGradient: boolean, before: readonly Launch[] = []): Variants =>
  offered(conv)
    ? {
        octet_32: () => [
          ...before,
          implicitGemmLaunch(conv, { kernel: implicitGemm32, pixels: 32, across }, inputGradient),
        ],
        octet_16: () => [
          ...before,
          implicitGemmLaunch(conv, { kernel: implicitGemm16, pixels: 16, across }, inputGradient),
        ],
      }
    : {};

export const backwardWeightVariants = (conv: Convolution): Variants =>
  offered(conv) ? { octet_32: () => weightLaunches(conv, { kernel: backwardWeight, across }) } : {};
