import { check, type Op, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';
import { div, eq, mul } from './binary.ts';
import {
  type KeepdimOptions,
  keptShape,
  type ReduceAttrs,
  type ReducedAxes,
  reduceAttrs,
  reduceLaunches,
  sum,
  threeAxes,
} from './reduce.ts';
import { reshape } from './reshape.ts';

/** y[o, i] = max_a x[o, a, i], where x is [outer, axis, inner]. */
export const amaxOp: Op<ReduceAttrs> = {
  name: 'amax',
  infer([x], { shape }) {
    check(x.dtype === 'f32' || x.dtype === 'f16', 'amax', 'the input must be f32 or f16', x);
    return [{ shape, dtype: x.dtype }];
  },
  launches: ({ inputs: [x], outputs: [y], attrs }) => reduceLaunches(x, y, threeAxes(x, attrs), { max: true }),
  // dx = dy / ties where x = y
  gradient({ inputs: [x], outputs: [y], attrs }, [dy]) {
    if (!dy) return [];
    const kept = keptShape(x, attrs);
    const largest = eq(x, reshape(y, kept));
    const axes = x.shape.flatMap((_, axis) => (axis >= attrs.first && axis <= attrs.last ? [axis] : []));
    return [mul(largest, div(reshape(dy, kept), sum(largest, axes, { keepdim: true })))];
  },
};

/**
 * As `torch.amax`: the largest element along one axis or neighbouring ones (negative: from the end), or of all → [1]; f32 or f16. The
 * gradient is shared evenly among elements that are equally large.
 */
export const amax = (x: Tensor, axis?: ReducedAxes, options: KeepdimOptions = {}): Tensor =>
  apply(amaxOp, [x], reduceAttrs('amax', x, axis, options))[0];
