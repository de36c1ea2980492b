import backward from '../../kernels/relu/backward.wgsl';
import backwardF16 from '../../kernels/relu/backward_f16.wgsl';
import forward from '../../kernels/relu/forward.wgsl';
import forwardF16 from '../../kernels/relu/forward_f16.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import type { Op, Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';

/** y = max(x, 0). */
export const reluOp: Op<null> = {
  name: 'relu',
  infer: ([x]) => [x],
  launches: ({ inputs: [x], outputs: [y] }) => [
    {
      kernel: x.dtype === 'f16' ? forwardF16 : forward,
      bindings: { x, y },
      params: { size: x.size },
      workgroups: grid1d(x.size, 64),
    },
  ],
  // dx = dy where y > 0
  gradient: ({ outputs: [y] }, [dy]) => [dy && reluBackward(dy, y)],
};

export const reluBackwardOp: Op<null> = {
  name: 'relu_backward',
  infer: ([dy]) => [dy],
  launches: ({ inputs: [dy, y], outputs: [dx] }) => [
    {
      kernel: dy.dtype === 'f16' ? backwardF16 : backward,
      bindings: { dy, y, dx },
      params: { size: y.size },
      workgroups: grid1d(y.size, 64),
    },
  ],
};

/** Rectified linear unit, element by element; any shape, f32 or f16. */
export const relu = (x: Tensor): Tensor => apply(reluOp, [x], null)[0];

const reluBackward = (dy: Tensor, y: Tensor): Tensor => apply(reluBackwardOp, [dy, y], null)[0];
