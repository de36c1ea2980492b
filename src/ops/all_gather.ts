/** What each of several processes has, on all of them. */
import { byteLength, check, type Op, Scratch, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';
import { copyLaunch, inOrder } from './strided_copy.ts';

interface AllGatherAttrs {
  readonly processes: number;
  /** What is gathered, for those who count exchanges. */
  readonly label: string;
}

/** y = the x of all processes, one behind another in their order. */
export const allGatherOp: Op<AllGatherAttrs> = {
  name: 'all_gather',
  infer([x], { processes }) {
    check(x.dtype === 'f32' && x.shape.length > 0, 'all_gather', 'expected f32 [rows, …]', x);
    return [{ shape: x.shape.with(0, processes * x.shape[0]), dtype: 'f32' }];
  },
  launches({ inputs: [x], outputs: [all], attrs: { label } }) {
    const own = new Scratch('own', byteLength(x));
    const whole = inOrder(x.shape);
    const copy = copyLaunch('all_gather', x.shape, x, whole, own, whole);
    return [{ ...copy, shared: { kind: 'gather', own, all, label } }];
  },
  gradient: () => [],
};

/**
 * As `torch.distributed.all_gather_into_tensor`: x [rows, …] of so many processes → [processes · rows, …], f32, in a program that they run
 * together (`Program.runShared`). No gradient passes: each process propagates that of its own rows.
 */
export const allGather = (x: Tensor, attrs: AllGatherAttrs): Tensor => apply(allGatherOp, [x], attrs)[0];
