import backward from '../../kernels/interpolate/backward.wgsl';
import backwardF16 from '../../kernels/interpolate/backward_f16.wgsl';
import forward from '../../kernels/interpolate/forward.wgsl';
import forwardF16 from '../../kernels/interpolate/forward_f16.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { check, type Op, type Shape, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';

interface Attrs {
  /** Height and width of the output. */
  readonly size: readonly [number, number];
}

/** Beyond this side, the integers that say which pixels are read would not fit 32 bits. */
const largestSide = 32767;

/**
 * y[n, o] = (1 − λ) x[n, i] + λ x[n, min(i + 1, size − 1)] along the height, then along the width, where i + λ = max((o
 * + ½) size / out − ½, 0), 0 ≤ λ < 1.
 */
export const interpolateOp: Op<Attrs> = {
  name: 'interpolate',
  infer([x], { size }) {
    check(x.dtype === 'f32' || x.dtype === 'f16', 'interpolate', 'the input must be f32 or f16', x);
    check(x.shape.length === 4, 'interpolate', 'the input must be [N, H, W, C]', x);
    const fits = [...size, ...x.shape.slice(1, 3)].every(
      (side) => Number.isInteger(side) && side >= 1 && side <= largestSide,
    );
    check(fits, 'interpolate', `sides, here of ${size.join(' × ')} too, must be 1 to ${largestSide}`, x);
    return [{ shape: [x.shape[0], ...size, x.shape[3]], dtype: x.dtype }];
  },
  launches: ({ inputs: [x], outputs: [y] }) => [
    {
      kernel: x.dtype === 'f16' ? forwardF16 : forward,
      bindings: { x, y },
      params: { ...sides(x.shape, y.shape), size: y.size },
      workgroups: grid1d(y.size, 64),
      flops: 9 * y.size,
    },
  ],
  gradient: ({ inputs: [{ shape }] }, [dy]) => [dy && apply(interpolateBackwardOp, [dy], { shape })[0]],
};

/**
 * dx[n, i] = Σ_o dy[n, o] · (the weight of i in o), gathered by each i from the o that read it. The attribute is the
 * shape of x.
 */
export const interpolateBackwardOp: Op<{ shape: Shape }> = {
  name: 'interpolate_backward',
  infer: ([dy], { shape }) => [{ shape, dtype: dy.dtype }],
  launches: ({ inputs: [dy], outputs: [dx] }) => [
    {
      kernel: dy.dtype === 'f16' ? backwardF16 : backward,
      bindings: { dy, dx },
      params: { ...sides(dx.shape, dy.shape), size: dx.size },
      workgroups: grid1d(dx.size, 64),
      flops: 9 * dy.size,
    },
  ],
  // It is linear, and interpolation its transpose.
  gradient: ({ inputs: [dy] }, [ddx]) => [ddx && interpolate(ddx, [dy.shape[1], dy.shape[2]])],
};

const sides = ([, height, width, channels]: Shape, [, out_height, out_width]: Shape) => ({
  height,
  width,
  channels,
  out_height,
  out_width,
});

/**
 * As `torch.nn.functional.interpolate(x, size, mode='bilinear', align_corners=False)`, without antialiasing: x [N, H,
 * W, C], f32 or f16, → [N, height, width, C] of any height and width.
 */
export const interpolate = (x: Tensor, size: readonly [height: number, width: number]): Tensor =>
  apply(interpolateOp, [x], { size })[0];
