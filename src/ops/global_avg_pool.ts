import backward from '../../kernels/global_avg_pool/backward.wgsl';
import backwardF16 from '../../kernels/global_avg_pool/backward_f16.wgsl';
import forward from '../../kernels/global_avg_pool/forward.wgsl';
import forwardF16 from '../../kernels/global_avg_pool/forward_f16.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { check, type Op, type Spec, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';

/** y[n, c] = mean of x[n, :, :, c]. x and its gradient are f32 or f16, y is f32: what follows is not worth halving. */
export const globalAvgPoolOp: Op<null> = {
  name: 'global_avg_pool',
  infer([x]) {
    check(x.shape.length === 4, 'global_avg_pool', 'the input must be [N, H, W, C]', x);
    return [{ shape: [x.shape[0], x.shape[3]], dtype: 'f32' }];
  },
  launches: ({ inputs: [x], outputs: [y] }) => [
    {
      kernel: x.dtype === 'f16' ? forwardF16 : forward,
      bindings: { x, y },
      params: sizes(x),
      workgroups: grid1d(y.size, 64),
    },
  ],
  // dx[n, h, w, c] = dy[n, c] / (H W)
  gradient: ({ inputs: [{ shape, dtype }] }, [dy]) =>
    dy ? apply(globalAvgPoolBackwardOp, [dy], { shape, dtype }) : [],
};

/** The attributes are shape and type of x. */
export const globalAvgPoolBackwardOp: Op<Spec> = {
  name: 'global_avg_pool_backward',
  infer: (_inputs, { shape, dtype }) => [{ shape, dtype }],
  launches: ({ inputs: [dy], outputs: [dx] }) => [
    {
      kernel: dx.dtype === 'f16' ? backwardF16 : backward,
      bindings: { dy, dx },
      params: sizes(dx),
      workgroups: grid1d(dy.size, 64),
    },
  ],
};

const sizes = ({ shape: [n, height, width, channels] }: Spec) => ({
  size: n * channels,
  pixels: height * width,
  channels,
});

/** Mean of each channel of x [N, H, W, C] over the map: f32 [N, C]. */
export const globalAvgPool = (x: Tensor): Tensor => apply(globalAvgPoolOp, [x], null)[0];
