import backward from '../../kernels/softmax/backward.wgsl';
import backwardF16 from '../../kernels/softmax/backward_f16.wgsl';
import backwardSums from '../../kernels/softmax/backward_sums.wgsl';
import backwardSumsF16 from '../../kernels/softmax/backward_sums_f16.wgsl';
import forward from '../../kernels/softmax/forward.wgsl';
import forwardF16 from '../../kernels/softmax/forward_f16.wgsl';
import merge from '../../kernels/softmax/merge.wgsl';
import statistics from '../../kernels/softmax/statistics.wgsl';
import statisticsF16 from '../../kernels/softmax/statistics_f16.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { bytesPerElement, check, type Launch, type Op, Scratch, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';
import { checkRows, type RowParts, rowParts, sumOfParts } from './row_parts.ts';

const kernels = {
  f32: { statistics, forward, backwardSums, backward },
  f16: { statistics: statisticsF16, forward: forwardF16, backwardSums: backwardSumsF16, backward: backwardF16 },
};
const kernelsOf = ({ dtype }: Tensor) => kernels[dtype === 'f16' ? 'f16' : 'f32'];

interface Attrs {
  /** Whether y is the logarithm of the softmax. */
  readonly logarithm: boolean;
}

/** y_c = exp(x_c − m) / s along the last axis, m = max x and s = Σ exp(x − m); or its logarithm x_c − m − log s. */
export const softmaxOp: Op<Attrs> = {
  name: 'softmax',
  infer([x], { logarithm }) {
    checkRows(logarithm ? 'log_softmax' : 'softmax', x);
    return [x];
  },
  launches({ inputs: [x], outputs: [y], attrs: { logarithm } }) {
    const { stats, launches } = statisticsOfRows(x);
    const normalise: Launch = {
      kernel: kernelsOf(x).forward,
      constants: { logarithm: Number(logarithm) },
      bindings: { x, stats, y },
      params: { columns: x.shape.at(-1)!, size: x.size },
      workgroups: grid1d(x.size, 64),
    };
    return [...launches, normalise];
  },
  gradient: ({ outputs: [y], attrs }, [dy]) => [dy && apply(softmaxBackwardOp, [dy, y], attrs)[0]],
};

/** dx = y (dy − Σ dy y); for the logarithm dx = dy − exp(y) Σ dy. */
export const softmaxBackwardOp: Op<Attrs> = {
  name: 'softmax_backward',
  infer([dy, y]) {
    check(dy.shape.join() === y.shape.join() && dy.dtype === y.dtype, 'softmax_backward', 'dy must be like y', dy, y);
    return [dy];
  },
  launches({ inputs: [dy, y], outputs: [dx], attrs: { logarithm } }) {
    const kernel = kernelsOf(y);
    const constants = { logarithm: Number(logarithm) };
    const rows = rowParts(y.shape, y.size);
    const { sums, launches } = sumOfParts('sums of rows', rows, 1, (target) => ({
      kernel: kernel.backwardSums,
      constants,
      bindings: { dy, y, sums: target },
      ...ofParts(rows),
    }));
    const gradient: Launch = {
      kernel: kernel.backward,
      constants,
      bindings: { dy, y, sums, dx },
      params: { columns: rows.columns, size: y.size },
      workgroups: grid1d(y.size, 64),
    };
    return [...launches, gradient];
  },
};

const ofParts = (rows: RowParts) => ({ params: { ...rows }, workgroups: grid1d(rows.rows * rows.parts, 64) });

/** The largest value of each row and Σ exp(x − largest). */
function statisticsOfRows(x: Tensor): { stats: Scratch; launches: Launch[] } {
  const parts = rowParts(x.shape, x.size);
  const scratch = (name: string, count: number) => new Scratch(name, 2 * count * parts.rows * bytesPerElement);
  const stats = scratch('statistics of rows', 1);
  const partial = parts.parts === 1 ? stats : scratch('statistics of parts', parts.parts);
  const first: Launch = { kernel: kernelsOf(x).statistics, bindings: { x, stats: partial }, ...ofParts(parts) };
  const second: Launch = {
    kernel: merge,
    bindings: { partial, stats },
    params: { rows: parts.rows, parts: parts.parts },
    workgroups: grid1d(parts.rows, 64),
  };
  return { stats, launches: partial === stats ? [first] : [first, second] };
}

/**
 * As `torch.softmax(x, dim=-1)`: x [..., C], f32 or f16, → the same shape and type. Entries of −∞ are zeros; a row of
 * nothing else is NaN.
 */
export const softmax = (x: Tensor): Tensor => apply(softmaxOp, [x], { logarithm: false })[0];

/** As `torch.log_softmax(x, dim=-1)`: the logarithm of `softmax`, right where that is too small for a float. */
export const logSoftmax = (x: Tensor): Tensor => apply(softmaxOp, [x], { logarithm: true })[0];
