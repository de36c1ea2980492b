/** How convolutions are computed by the kernels that run anywhere: a thread gathers what its outputs need, without barriers. */
import backwardWeight from '../../kernels/conv2d/backward_weight.wgsl';
import backwardWeightF16 from '../../kernels/conv2d/backward_weight_f16.wgsl';
import backwardWeightSubgroup from '../../kernels/conv2d/backward_weight_subgroup.wgsl';
import backwardWeightSubgroupF16 from '../../kernels/conv2d/backward_weight_subgroup_f16.wgsl';
import implicitGemm from '../../kernels/conv2d/implicit_gemm.wgsl';
import implicitGemmF16 from '../../kernels/conv2d/implicit_gemm_f16.wgsl';
import implicitGemmSubgroup from '../../kernels/conv2d/implicit_gemm_subgroup.wgsl';
import implicitGemmSubgroupF16 from '../../kernels/conv2d/implicit_gemm_subgroup_f16.wgsl';
import reduceSlices from '../../kernels/conv2d/reduce_slices.wgsl';
import transposeWeight from '../../kernels/conv2d/transpose_weight.wgsl';
import transposeWeightF16 from '../../kernels/conv2d/transpose_weight_f16.wgsl';
import type { DeviceTraits } from '../gpu/device.ts';
import { grid1d, type Kernel } from '../gpu/kernel.ts';
import type { Launch, Shape, Spec, Variants } from '../graph/tensor.ts';
import { type Padded, padded, product } from './conv2d_padding.ts';

/** The kernels that read activations and weights of f32, and those of f16; sums are f32 in both. */
const kernels = {
  f32: { implicitGemm, implicitGemmSubgroup, backwardWeight, backwardWeightSubgroup, transposeWeight },
  f16: {
    implicitGemm: implicitGemmF16,
    implicitGemmSubgroup: implicitGemmSubgroupF16,
    backwardWeight: backwardWeightF16,
    backwardWeightSubgroup: backwardWeightSubgroupF16,
    transposeWeight: transposeWeightF16,
  },
};
const kernelsOf = ({ dtype }: Spec) => kernels[dtype === 'f16' ? 'f16' : 'f32'];

export interface Conv2dAttributes {
  readonly stride: number;
  readonly padding: number;
}

/** A convolution in one of its three directions; all channel counts are multiples of 4. */
export interface Convolution {
  readonly device: DeviceTraits;
  readonly attrs: Conv2dAttributes;
  /** [N, H, W, C], or its gradient. */
  readonly x: Padded;
  /** [O, kh, kw, C], or its gradient. */
  readonly w: Padded;
  /** [N, OH, OW, O], or its gradient. */
  readonly y: Padded;
  readonly flops: number;
}

/** Parameters of every convolution kernel: x is what is read at `stride`, y what is written pixel by pixel. */
export const convolutionSizes = ({ stride, padding }: Conv2dAttributes, x: Shape, w: Shape, y: Shape) => ({
  batch: x[0],
  height: x[1],
  width: x[2],
  channels: x[3],
  out_height: y[1],
  out_width: y[2],
  out_channels: y[3],
  kernel_height: w[1],
  kernel_width: w[2],
  stride,
  padding,
});

/**
 * Threads that share their loads through quads are 1.5 to 2.8 times as fast on software adapters; a device without subgroups
 * has only the portable kernel.
 */
const bySubgroups = ({ features }: DeviceTraits, make: (subgroups: boolean) => readonly Launch[]): Variants =>
  features.has('subgroups')
    ? { subgroup: () => make(true), portable: () => make(false) }
    : { portable: () => make(false) };

export const forwardVariants = (conv: Convolution): Variants =>
  bySubgroups(conv.device, (subgroups) => [implicitGemmLaunch(conv, implicitGemmTile(conv, subgroups), false)]);

/** dx is gathered from dy with transposed weights. */
export const backwardInputVariants = (conv: Convolution): Variants => {
  const { w, x, y } = conv;
  const [transpose, wt] = transposedWeight(w);
  const swapped = { ...conv, x: y, w: wt, y: x };
  return bySubgroups(conv.device, (subgroups) => [
    transpose,
    implicitGemmLaunch(swapped, implicitGemmTile(swapped, subgroups), true),
  ]);
};

export const backwardWeightVariants = (conv: Convolution): Variants =>
  bySubgroups(conv.device, (subgroups) => {
    const { backwardWeight, backwardWeightSubgroup } = kernelsOf(conv.x);
    return weightLaunches(conv, { kernel: subgroups ? backwardWeightSubgroup : backwardWeight, across: 64 });
  });

const implicitGemmTile = ({ x }: Convolution, subgroups: boolean): ImplicitGemmTile =>
  subgroups
    ? { kernel: kernelsOf(x).implicitGemmSubgroup, pixels: 64, across: 64 }
    : { kernel: kernelsOf(x).implicitGemm, pixels: 32, across: 64 };

/** [O, kh, kw, C] → [C, kh, kw, O]. */
export function transposedWeight(w: Padded): [Launch, Padded] {
  const [outChannels, kh, kw, channels] = w.shape;
  const wt = padded('wt', [channels, kh, kw, outChannels], w.dtype);
  return [
    {
      kernel: kernelsOf(w).transposeWeight,
      bindings: { w: w.bound, wt: wt.bound },
      params: { channels, out_channels: outChannels, kernel_height: kh, kernel_width: kw },
      workgroups: grid1d((channels / 4) * kh * kw * (outChannels / 4), 64),
    },
    wt,
  ];
}

/** A kernel of implicit GEMM, and the pixels and out channels that one of its workgroups computes. */
interface ImplicitGemmTile {
  readonly kernel: Kernel;
  readonly pixels: number;
  readonly across: number;
}

export function implicitGemmLaunch(
  { attrs, x, w, y, flops }: Convolution,
  tile: ImplicitGemmTile,
  inputGradient: boolean,
): Launch {
  const step = inputGradient ? attrs.stride : 1;
  const [batch, height, width, channels] = y.shape;
  const pixels = batch * Math.ceil(height / step) * Math.ceil(width / step);
  const [rows, layers] = grid1d(step * step * Math.ceil(pixels / tile.pixels), 1);
  return {
    kernel: tile.kernel,
    bindings: { x: x.bound, w: w.bound, y: y.bound },
    params: { ...convolutionSizes(attrs, x.shape, w.shape, y.shape), input_gradient: Number(inputGradient) },
    workgroups: [Math.ceil(channels / tile.across), rows, layers],
    flops,
  };
}

/** A kernel for the weight gradient, and the out channels and channels of columns that one of its workgroups computes. */
interface WeightTile {
  readonly kernel: Kernel;
  readonly across: number;
}

/** Partial sums over slices of the pixels, then their sum. Slices do not depend on the tile, so that sums do not either. */
export function weightLaunches({ device, attrs, x, w: dw, y: dy, flops }: Convolution, tile: WeightTile): Launch[] {
  const length = product(dw.shape);
  const groups = (across: number) => [Math.ceil(length / dw.shape[0] / across), Math.ceil(dw.shape[0] / across)];
  const wanted = Math.ceil((device.software ? 32 : 1024) / product(groups(64))); // workgroups that fill the device
  const pixels = product(dy.shape.slice(0, 3));
  const slices = sliceCount(wanted, pixels, length);
  const slice = 4 * Math.ceil(pixels / slices / 4); // kernels take four pixels at a time
  const partials = slices === 1 ? dw : padded('partials', [slices, length], 'f32');
  const [columns, rows] = groups(tile.across);
  const sum: Launch = {
    kernel: tile.kernel,
    bindings: { dy: dy.bound, x: x.bound, partials: partials.bound },
    params: { ...convolutionSizes(attrs, x.shape, dw.shape, dy.shape), slice },
    workgroups: [columns, rows, slices],
    flops,
  };
  return slices === 1 ? [sum] : [sum, reduction(partials, dw, slices)];
}

/** Adds partial sums up: partials [slices, length] → dw. */
export function reduction(partials: Padded, dw: Padded, slices: number): Launch {
  const length = product(dw.shape);
  return {
    kernel: reduceSlices,
    bindings: { partials: partials.bound, dw: dw.bound },
    params: { length, slices },
    workgroups: grid1d(length, 256),
  };
}

/** Elements of partial sums at most: 64 MiB. */
const partialsLimit = 2 ** 24;

/**
 * Slices of the pixels: as many as wanted, but at least 64 pixels a slice, and at most 16,384, beyond which the rounding of one
 * long sum shows; partial sums (`length` elements a slice) within the limit.
 */
export function sliceCount(wanted: number, pixels: number, length: number): number {
  const most = Math.min(Math.ceil(pixels / 64), Math.floor(partialsLimit / length));
  return Math.max(1, Math.min(Math.max(wanted, Math.ceil(pixels / 16384)), most));
}
