import forward from '../../kernels/add/forward.wgsl';
import forwardF16 from '../../kernels/add/forward_f16.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { check, type Op, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';
import { addBroadcast, type Operands, operands } from './binary.ts';
import { broadcastShape } from './strides.ts';

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

/** As `torch.add`: a + b, both f32 or both f16, of one shape or of shapes that broadcast; one of the two may be a number. */
export function add(...given: Operands): Tensor {
  const [a, b] = operands(given);
  const differ = a.shape.join() !== b.shape.join();
  return differ && broadcastShape(a.shape, b.shape) ? addBroadcast(a, b) : apply(addOp, [a, b], null)[0];
}
