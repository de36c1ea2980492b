import backward from '../../kernels/max_pool/backward.wgsl';
import backwardF16 from '../../kernels/max_pool/backward_f16.wgsl';
import backwardScalar from '../../kernels/max_pool/backward_scalar.wgsl';
import backwardScalarF16 from '../../kernels/max_pool/backward_scalar_f16.wgsl';
import forward from '../../kernels/max_pool/forward.wgsl';
import forwardF16 from '../../kernels/max_pool/forward_f16.wgsl';
import forwardScalar from '../../kernels/max_pool/forward_scalar.wgsl';
import forwardScalarF16 from '../../kernels/max_pool/forward_scalar_f16.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { check, type Op, type Shape, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';

/** For four neighbouring channels at a time, and for any number of channels. */
const forwardKernels = { f32: [forward, forwardScalar], f16: [forwardF16, forwardScalarF16] };
const backwardKernels = { f32: [backward, backwardScalar], f16: [backwardF16, backwardScalarF16] };

interface Window {
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
}

interface BackwardAttrs extends Window {
  /** Shape of x. */
  readonly shape: Shape;
}

/**
 * y[n, i, j, c] = max of x[n, i·stride − padding + r, j·stride − padding + s, c] over 0 ≤ r, s < kernel inside the map. Outputs y
 * and argmax, the position row · width + column where it was found: of equal values the first, of NaN the last (as PyTorch).
 */
export const maxPoolOp: Op<Window> = {
  name: 'max_pool',
  infer([x], { kernel, stride, padding }) {
    check(x.shape.length === 4, 'max_pool', 'the input must be [N, H, W, C]', x);
    const rule = `kernel ${kernel} and stride ${stride} must be 1 or more, padding ${padding} at most half the kernel`;
    check(kernel >= 1 && stride >= 1 && padding >= 0 && padding <= kernel / 2, 'max_pool', rule, x);
    const [n, height, width, channels] = x.shape;
    const fits = Math.min(height, width) + 2 * padding >= kernel;
    check(fits, 'max_pool', `a window of ${kernel} must fit into the map with padding ${padding}`, x);
    const outputs = (size: number) => Math.floor((size + 2 * padding - kernel) / stride) + 1;
    const shape = [n, outputs(height), outputs(width), channels];
    return [
      { shape, dtype: x.dtype },
      { shape, dtype: 'u32' },
    ];
  },
  launches({ inputs: [x], outputs: [y, argmax], attrs }) {
    const { wide, params, invocations } = division(x.shape, y.shape, attrs, y.shape[1]);
    const kernel = forwardKernels[x.dtype === 'f16' ? 'f16' : 'f32'][wide ? 0 : 1];
    return [{ kernel, bindings: { x, y, argmax }, params, workgroups: grid1d(invocations, 64) }];
  },
  // dx = Σ dy over the windows that found their largest value there
  gradient({ inputs: [{ shape }], outputs: [, argmax], attrs }, [dy]) {
    return dy ? apply(maxPoolBackwardOp, [dy, argmax], { ...attrs, shape }) : [];
  },
};

export const maxPoolBackwardOp: Op<BackwardAttrs> = {
  name: 'max_pool_backward',
  infer: ([dy], { shape }) => [{ shape, dtype: dy.dtype }],
  launches({ inputs: [dy, argmax], outputs: [dx], attrs: { shape, ...window } }) {
    const { wide, params, invocations } = division(shape, dy.shape, window, shape[1]);
    const kernel = backwardKernels[dy.dtype === 'f16' ? 'f16' : 'f32'][wide ? 0 : 1];
    return [{ kernel, bindings: { dy, argmax, dx }, params, workgroups: grid1d(invocations, 64) }];
  },
};

/** Invocations walk along rows of what they write, four neighbouring channels at a time where the channels allow. */
function division([n, height, width, depth]: Shape, [, out_height, out_width]: Shape, window: Window, written: number) {
  const wide = depth % 4 === 0;
  const channels = wide ? depth / 4 : depth;
  const rows = n * written;
  const params = { rows, height, width, channels, out_height, out_width, ...window };
  return { wide, params, invocations: rows * channels };
}

/** Largest value of each window of x [N, H, W, C], of each channel for itself; f32 or f16. */
export function maxPool2d(x: Tensor, { kernel, stride = kernel, padding = 0 }: Partial<Window> & { kernel: number }) {
  return apply(maxPoolOp, [x], { kernel, stride, padding })[0];
}
