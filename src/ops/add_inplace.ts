import add from '../../kernels/add_inplace/add.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { check, type Op, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';
import { isFlat } from './check_finite.ts';

/** total = x where position is 0, else total + x. */
export const addInPlaceOp: Op<null> = {
  name: 'add_inplace',
  infer([total, x, position]) {
    check(isFlat(total, x), 'add_inplace', 'total and x must be flat f32 tensors of one length', total, x);
    check(position.dtype === 'u32' && position.size === 1, 'add_inplace', 'position must be u32 [1]', position);
    return [];
  },
  launches: ({ inputs: [total, x, position] }) => [
    {
      kernel: add,
      bindings: { x, position, total },
      params: { quads: x.size / 4 },
      workgroups: grid1d(x.size / 4, 64),
      flops: x.size,
    },
  ],
  mutates: () => [0],
};

/**
 * Sums over several runs of a program: adds x to the variable `total`, both flat and of one length, or begins the sum anew with x
 * where `position` (u32 [1]) is 0. The order of the runs is the order of the sum.
 */
export function addInPlace(total: Tensor, x: Tensor, position: Tensor): void {
  apply(addInPlaceOp, [total, x, position], null);
}
