import backward from '../../kernels/global_avg_pool/backward.wgsl';
import forward from '../../kernels/global_avg_pool/forward.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { check, type Op, type Shape, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';

/** y[n, c] = mean of x[n, :, :, c]. */
export const globalAvgPoolOp: Op<null> = {
  name: 'global_avg_pool',
  infer([x]) {
    check(x.shape.length === 4, 'global_avg_pool', 'the input must be [N, H, W, C]', x);
    return [{ shape: [x.shape[0], x.shape[3]], dtype: 'f32' }];
  },
  launches: ({ inputs: [x], outputs: [y] }) => [
    { kernel: forward, bindings: { x, y }, params: sizes(x.shape), workgroups: grid1d(y.size, 64) },
  ],
  // dx[n, h, w, c] = dy[n, c] / (H W)
  gradient: ({ inputs: [{ shape }] }, [dy]) => (dy ? apply(globalAvgPoolBackwardOp, [dy], { shape }) : []),
};

export const globalAvgPoolBackwardOp: Op<{ shape: Shape }> = {
  name: 'global_avg_pool_backward',
  infer: (_inputs, { shape }) => [{ shape, dtype: 'f32' }],
  launches: ({ inputs: [dy], outputs: [dx] }) => [
    { kernel: backward, bindings: { dy, dx }, params: sizes(dx.shape), workgroups: grid1d(dy.size, 64) },
  ],
};

const sizes = ([n, height, width, channels]: Shape) => ({ size: n * channels, pixels: height * width, channels });

/** Mean of each channel of x [N, H, W, C] over the map: [N, C]. */
export const globalAvgPool = (x: Tensor): Tensor => apply(globalAvgPoolOp, [x], null)[0];
