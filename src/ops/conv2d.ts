import { check, type Op, type Shape, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';
import type { Conv2dAttributes } from './conv2d_launches.ts';
import { Padding, product } from './conv2d_padding.ts';
import { backwardInputVariants, backwardWeightVariants, forwardVariants } from './conv2d_variants.ts';

/**
 * y[n,oy,ox,o] = Σ_{ky,kx,c} x[n, oy·stride − padding + ky, ox·stride − padding + kx, c] · w[o,ky,kx,c]. x and w are both f32 or
 * both f16, sums are f32; y and dx are of their type, dw is f32: it goes to the optimiser.
 */
export const conv2dOp: Op<Conv2dAttributes> = {
  name: 'conv2d',
  infer([x, w], { stride, padding }) {
    check(x.shape.length === 4 && w.shape.length === 4, 'conv2d', 'x is [N, H, W, C] and w [O, kh, kw, C]', x, w);
    check(x.shape[3] === w.shape[3], 'conv2d', 'the last dimensions of x and w must be equal', x, w);
    checkTypes('conv2d', x, w);
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
    return [{ shape: [n, outHeight, outWidth, o], dtype: x.dtype }];
  },
  launches({ inputs: [x, w], outputs: [y], attrs, device, selectVariant }) {
    const from = new Padding();
    const [xp, wp] = [from.channels('x', x), from.weight('w', w)];
    const to = new Padding();
    const conv = { device, attrs, x: xp, w: wp, y: to.output('y', y), flops: flops(y.size, w) };
    return [...from.launches, ...selectVariant(forwardVariants(conv)), ...to.launches];
  },
  gradient: ({ inputs: [x, w], attrs }, [dy]) =>
    dy ? [conv2dBackwardInput(dy, w, attrs, x.shape), conv2dBackwardWeight(dy, x, attrs, w.shape)] : [],
};

/** dx[n,iy,ix,i] = Σ_{ky,kx,o} dy[n, (iy + padding − ky)/stride, (ix + padding − kx)/stride, o] · w[o,ky,kx,i], where the divisions are exact */
export const conv2dBackwardInputOp: Op<Conv2dAttributes & { inputShape: Shape }> = {
  name: 'conv2d_backward_input',
  infer([dy, w], { inputShape }) {
    checkTypes('conv2d_backward_input', dy, w);
    return [{ shape: inputShape, dtype: dy.dtype }];
  },
  launches({ inputs: [dy, w], outputs: [dx], attrs, device, selectVariant }) {
    const from = new Padding();
    const [dyp, wp] = [from.channels('dy', dy), from.weight('w', w)];
    const to = new Padding();
    const conv = { device, attrs, x: to.output('dx', dx), w: wp, y: dyp, flops: flops(dy.size, w) };
    return [...from.launches, ...selectVariant(backwardInputVariants(conv)), ...to.launches];
  },
};

/** dw[o,ky,kx,i] = Σ_{n,oy,ox} dy[n,oy,ox,o] · x[n, oy·stride − padding + ky, ox·stride − padding + kx, i], as sums over slices of the pixels */
export const conv2dBackwardWeightOp: Op<Conv2dAttributes & { weightShape: Shape }> = {
  name: 'conv2d_backward_weight',
  infer([dy, x], { weightShape }) {
    checkTypes('conv2d_backward_weight', dy, x);
    return [{ shape: weightShape, dtype: 'f32' }];
  },
  launches({ inputs: [dy, x], outputs: [dw], attrs, device, selectVariant }) {
    const from = new Padding();
    const [dyp, xp] = [from.channels('dy', dy), from.channels('x', x)];
    const to = new Padding();
    const conv = { device, attrs, x: xp, w: to.output('dw', dw), y: dyp, flops: flops(dy.size, dw) };
    return [...from.launches, ...selectVariant(backwardWeightVariants(conv)), ...to.launches];
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

export const conv2dBackwardWeight = (dy: Tensor, x: Tensor, attrs: Conv2dAttributes, weightShape: Shape): Tensor =>
  apply(conv2dBackwardWeightOp, [dy, x], { ...attrs, weightShape })[0];

function checkTypes(op: string, a: Tensor, b: Tensor): void {
  const holds = a.dtype === b.dtype && (a.dtype === 'f32' || a.dtype === 'f16');
  check(holds, op, 'both inputs must be f32, or both f16', a, b);
}

/** Every output pixel of the forward pass takes kh·kw·C multiply-adds a channel, in all three directions. */
const flops = (outputs: number, w: Tensor): number => 2 * outputs * product(w.shape.slice(1));
