import add from '../../kernels/add_inplace/add.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { check, flatAlignment, type Op, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';
import { isFlat } from './check_finite.ts';

/** Elements from `first` on. */
interface Range {
  readonly first: number;
  readonly length: number;
}

interface AddInPlaceAttrs extends Range {
  /** Processes that share the run add their totals up. */
  readonly shared: boolean;
}

/** total = x where position is 0, else total + x, in a range. Further inputs: the tensors that lie in the range of x, a flat one. */
export const addInPlaceOp: Op<AddInPlaceAttrs> = {
  name: 'add_inplace',
  infer([total, x, position], { first, length }) {
    check(isFlat(total, x), 'add_inplace', 'total and x must be flat f32 tensors of one length', total, x);
    check(position.dtype === 'u32' && position.size === 1, 'add_inplace', 'position must be u32 [1]', position);
    const inside = first % flatAlignment === 0 && length % flatAlignment === 0 && first + length <= x.size;
    check(inside, 'add_inplace', `elements ${first} to ${first + length} are no range of x`, x);
    return [];
  },
  launches: ({ inputs: [total, x, position], attrs: { first, length, shared } }) => [
    {
      kernel: add,
      bindings: { x, position, total },
      params: { first: first / 4, quads: length / 4 },
      workgroups: grid1d(length / 4, 64),
      flops: length,
      ...(shared && { shared: { kind: 'sum', values: total, first, length } }),
    },
  ],
  mutates: () => [0],
  readyBehind: (_, [, x, , ...inRange]) => (inRange.length > 0 ? inRange : [x]),
};

/**
 * Sums over several runs of a program: adds x to the variable `total`, both flat and of one length, or begins the sum anew with x
 * where `position` (u32 [1]) is 0. The order of the runs is the order of the sum.
 */
export function addInPlace(total: Tensor, x: Tensor, position: Tensor): void {
  apply(addInPlaceOp, [total, x, position], { first: 0, length: x.size, shared: false });
}

/**
 * The same of a total that processes share (`Program.runShared`), in parts of at least `least` elements: each part is added, and can go to
 * the other processes, as soon as the tensors are there that make it up. Those that stand last in x come first.
 *
 * @param x made by `flatten`
 */
export function addShared(total: Tensor, x: Tensor, position: Tensor, least: number): void {
  const members = x.node?.inputs ?? [];
  let end = x.size;
  let inRange: Tensor[] = [];
  for (const [index, member] of [...members.entries()].reverse()) {
    inRange.push(member);
    const first = end - inRange.reduce((sum, { size }) => sum + alignedSize(size), 0);
    if (end - first < least && index > 0) continue;
    apply(addInPlaceOp, [total, x, position, ...inRange], { first, length: end - first, shared: true });
    [end, inRange] = [first, []];
  }
}

const alignedSize = (size: number): number => Math.ceil(size / flatAlignment) * flatAlignment;
