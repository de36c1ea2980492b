import forward from '../../kernels/add/forward.wgsl';
import forwardF16 from '../../kernels/add/forward_f16.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { check, type Op, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';

/** y = a + b. */
export const addOp: Op<null> = {
  name: 'add',
  infer([a, b]) {
    check(a.shape.join() === b.shape.join(), 'add', 'both inputs must have one shape', a, b);
    check(a.dtype === b.dtype, 'add', 'both inputs must have one type', a, b);
    return [a];
  },
  launches: ({ inputs: [a, b], outputs: [y] }) => [
    {
      kernel: a.dtype === 'f16' ? forwardF16 : forward,
      bindings: { a, b, y },
      params: { size: a.size },
      workgroups: grid1d(a.size, 64),
    },
  ],
  gradient: (_node, [dy]) => [dy, dy],
};

/** The sum of two tensors of one shape and one type, f32 or f16. */
export const add = (a: Tensor, b: Tensor): Tensor => apply(addOp, [a, b], null)[0];
