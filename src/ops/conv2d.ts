import backwardWeight from '../../kernels/conv2d/backward_weight.wgsl';
import backwardWeightSubgroup from '../../kernels/conv2d/backward_weight_subgroup.wgsl';
import gather from '../../kernels/conv2d/gather.wgsl';
import gatherSubgroup from '../../kernels/conv2d/gather_subgroup.wgsl';
import reduceSlices from '../../kernels/conv2d/reduce_slices.wgsl';
import repack from '../../kernels/conv2d/repack.wgsl';
import transposeWeight from '../../kernels/conv2d/transpose_weight.wgsl';
import type { DeviceTraits } from '../gpu/device.ts';
import { grid1d } from '../gpu/kernel.ts';
import { bytesPerElement, check, type Launch, type Op, Scratch, type Shape, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';

export interface Conv2dAttributes {
  readonly stride: number;
  readonly padding: number;
}

/** y[n,oy,ox,o] = Σ_{ky,kx,c} x[n, oy·stride − padding + ky, ox·stride − padding + kx, c] · w[o,ky,kx,c] */
export const conv2dOp: Op<Conv2dAttributes> = {
  name: 'conv2d',
  infer([x, w], { stride, padding }) {
    check(x.shape.length === 4 && w.shape.length === 4, 'conv2d', 'x is [N, H, W, C] and w [O, kh, kw, C]', x, w);
    check(x.shape[3] === w.shape[3], 'conv2d', 'the last dimensions of x and w must be equal', x, w);
    const [n, height, width] = x.shape;
    const [o, kh, kw] = w.shape;
    const outHeight = Math.floor((height + 2 * padding - kh) / stride) + 1;
    const outWidth = Math.floor((width + 2 * padding - kw) / stride) + 1;
    check(
      outHeight > 0 && outWidth > 0,
      'conv2d',
      `padding ${padding} must make x at least as large as the kernel`,
      x,
      w,
    );
    return [{ shape: [n, outHeight, outWidth, o], dtype: 'f32' }];
  },
  launches({ inputs: [x, w], outputs: [y], attrs, device }) {
    const from = new Padding();
    const [xp, wp] = [from.channels('x', x), from.weight('w', w)];
    const to = new Padding();
    const yp = to.output('y', y);
    return [
      ...from.launches,
      gatherLaunch(device, attrs, false, { x: xp, w: wp, y: yp }, flops(y.size, w)),
      ...to.launches,
    ];
  },
  gradient: ({ inputs: [x, w], attrs }, [dy]) =>
    dy ? [conv2dBackwardInput(dy, w, attrs, x.shape), conv2dBackwardWeight(dy, x, attrs, w.shape)] : [],
};

/** dx[n,iy,ix,i] = Σ_{ky,kx,o} dy[n, (iy + padding − ky)/stride, (ix + padding − kx)/stride, o] · w[o,ky,kx,i], where the divisions are exact */
export const conv2dBackwardInputOp: Op<Conv2dAttributes & { inputShape: Shape }> = {
  name: 'conv2d_backward_input',
  infer: (_inputs, { inputShape }) => [{ shape: inputShape, dtype: 'f32' }],
  launches({ inputs: [dy, w], outputs: [dx], attrs, device }) {
    const from = new Padding();
    const [dyp, wp] = [from.channels('dy', dy), from.weight('w', w)];
    const [outChannels, kh, kw, channels] = wp.shape;
    const wt = padded('wt', [channels, kh, kw, outChannels]);
    const transpose: Launch = {
      kernel: transposeWeight,
      bindings: { w: wp.bound, wt: wt.bound },
      params: { channels, out_channels: outChannels, kernel_height: kh, kernel_width: kw },
      workgroups: grid1d((channels / 4) * kh * kw * (outChannels / 4), 64),
    };
    const to = new Padding();
    const dxp = to.output('dx', dx);
    const sum = gatherLaunch(device, attrs, true, { x: dyp, w: wt, y: dxp }, flops(dy.size, w));
    return [...from.launches, transpose, sum, ...to.launches];
  },
};

/** dw[o,ky,kx,i] = Σ_{n,oy,ox} dy[n,oy,ox,o] · x[n, oy·stride − padding + ky, ox·stride − padding + kx, i], as sums over slices of the pixels */
export const conv2dBackwardWeightOp: Op<Conv2dAttributes & { weightShape: Shape }> = {
  name: 'conv2d_backward_weight',
  infer: (_inputs, { weightShape }) => [{ shape: weightShape, dtype: 'f32' }],
  launches({ inputs: [dy, x], outputs: [dw], attrs, device }) {
    const from = new Padding();
    const [dyp, xp] = [from.channels('dy', dy), from.channels('x', x)];
    const to = new Padding();
    const dwp = to.output('dw', dw);
    const length = product(dwp.shape);
    const [columns, rows] = [Math.ceil(length / dwp.shape[0] / 64), Math.ceil(dwp.shape[0] / 64)];
    const slices = sliceCount(columns * rows, product(dyp.shape.slice(0, 3)), length, device);
    const partials = slices === 1 ? dwp : padded('partials', [slices, length]);
    const sum: Launch = {
      kernel: device.features.has('subgroups') ? backwardWeightSubgroup : backwardWeight,
      bindings: { dy: dyp.bound, x: xp.bound, partials: partials.bound },
      params: { ...sizes(attrs, xp.shape, dwp.shape, dyp.shape), slices },
      workgroups: [columns, rows, slices],
      flops: flops(dy.size, dw),
    };
    const reduce: Launch = {
      kernel: reduceSlices,
      bindings: { partials: partials.bound, dw: dwp.bound },
      params: { length, slices },
      workgroups: grid1d(length, 256),
    };
    return [...from.launches, sum, ...(slices > 1 ? [reduce] : []), ...to.launches];
  },
};

/**
 * 2-D convolution (cross-correlation, as in PyTorch) without bias. x [N, H, W, C], w [O, kh, kw, C] → [N, OH, OW, O] with
 * OH = ⌊(H + 2·padding − kh)/stride⌋ + 1. Any sizes; channel counts that are multiples of 4 need no padded copies.
 */
export const conv2d = (x: Tensor, w: Tensor, { stride = 1, padding = 0 }: Partial<Conv2dAttributes> = {}): Tensor =>
  apply(conv2dOp, [x, w], { stride, padding })[0];

const conv2dBackwardInput = (dy: Tensor, w: Tensor, attrs: Conv2dAttributes, inputShape: Shape): Tensor =>
  apply(conv2dBackwardInputOp, [dy, w], { ...attrs, inputShape })[0];

const conv2dBackwardWeight = (dy: Tensor, x: Tensor, attrs: Conv2dAttributes, weightShape: Shape): Tensor =>
  apply(conv2dBackwardWeightOp, [dy, x], { ...attrs, weightShape })[0];

const product = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
const upTo4 = (size: number): number => Math.ceil(size / 4) * 4;

/** Every output pixel of the forward pass takes kh·kw·C multiply-adds a channel, in all three directions. */
const flops = (outputs: number, w: Tensor): number => 2 * outputs * product(w.shape.slice(1));

/** What a kernel binds: the tensor itself, or a scratch with channels rounded up to a multiple of 4. */
interface Padded {
  readonly bound: Tensor | Scratch;
  readonly shape: Shape;
}

const padded = (name: string, shape: Shape): Padded => ({
  bound: new Scratch(name, product(shape) * bytesPerElement),
  shape,
});

/** Collects the copies that stand before or after a kernel whose channel counts are not multiples of 4. */
class Padding {
  readonly launches: Launch[] = [];

  /** [..., C] with C rounded up. */
  channels(name: string, tensor: Tensor): Padded {
    return this.copied(name, tensor, [...tensor.shape.slice(0, -1), upTo4(tensor.shape.at(-1)!)]);
  }

  /** [O, kh, kw, C] with O and C rounded up. */
  weight(name: string, tensor: Tensor): Padded {
    const [o, kh, kw, c] = tensor.shape;
    return this.copied(name, tensor, [upTo4(o), kh, kw, upTo4(c)]);
  }

  private copied(name: string, tensor: Tensor, shape: Shape): Padded {
    if (product(shape) === tensor.size) return { bound: tensor, shape };
    const copy = padded(name, shape);
    this.launches.push(repackLaunch(tensor, tensor.shape, copy.bound, shape));
    return copy;
  }

  /** A place for a result with channels (and rows of weights) rounded up, copied back to the tensor. */
  output(name: string, tensor: Tensor): Padded {
    const weights = name === 'dw';
    const shape = [
      weights ? upTo4(tensor.shape[0]) : tensor.shape[0],
      ...tensor.shape.slice(1, -1),
      upTo4(tensor.shape.at(-1)!),
    ];
    if (product(shape) === tensor.size) return { bound: tensor, shape };
    const copy = padded(name, shape);
    this.launches.push(repackLaunch(copy.bound, shape, tensor, tensor.shape));
    return copy;
  }
}

function repackLaunch(source: Tensor | Scratch, from: Shape, destination: Tensor | Scratch, to: Shape): Launch {
  const [source_columns, target_columns] = [from.at(-1)!, to.at(-1)!];
  const [source_rows, target_rows] = [product(from) / source_columns, product(to) / target_columns];
  return {
    kernel: repack,
    bindings: { source, destination },
    params: { source_rows, source_columns, target_rows, target_columns },
    workgroups: grid1d(product(to), 64),
  };
}

const sizes = ({ stride, padding }: Conv2dAttributes, x: Shape, w: Shape, y: Shape) => ({
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

function gatherLaunch(
  { features }: DeviceTraits,
  attrs: Conv2dAttributes,
  inputGradient: boolean,
  { x, w, y }: { x: Padded; w: Padded; y: Padded },
  work: number,
): Launch {
  const quads = features.has('subgroups');
  const step = inputGradient ? attrs.stride : 1;
  const [batch, height, width, channels] = y.shape;
  const pixels = batch * Math.ceil(height / step) * Math.ceil(width / step);
  const [rows, layers] = grid1d(step * step * Math.ceil(pixels / (quads ? 64 : 32)), 1);
  return {
    // Threads that share their loads through quads are 1.5 to 2.8 times as fast on software adapters.
    kernel: quads ? gatherSubgroup : gather,
    bindings: { x: x.bound, w: w.bound, y: y.bound },
    params: { ...sizes(attrs, x.shape, w.shape, y.shape), input_gradient: Number(inputGradient) },
    workgroups: [Math.ceil(channels / 64), rows, layers],
    flops: work,
  };
}

/** Elements of partial sums at most: 64 MiB. */
const partialsLimit = 2 ** 24;

/**
 * Slices of the pixels: enough workgroups to fill the device, at least 64 pixels a slice, and at most 16,384, beyond which the
 * rounding of one long sum shows; partial sums within the limit.
 */
function sliceCount(groups: number, pixels: number, length: number, { software }: DeviceTraits): number {
  const wanted = Math.max(Math.ceil((software ? 32 : 1024) / groups), Math.ceil(pixels / 16384));
  return Math.max(1, Math.min(wanted, Math.ceil(pixels / 64), Math.floor(partialsLimit / length)));
}
