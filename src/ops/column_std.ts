import mean from '../../kernels/column_std/mean.wgsl';
import sums from '../../kernels/column_std/sums.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { bytesPerElement, check, type Launch, type Op, Scratch, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';

/** Rows that one invocation adds up at least. */
const shortestPart = 64;

/** y[0] = mean_c √(mean_r (x[r, c] − mean_r x[r, c])²). It has no gradient rule: it is a measure, not a loss. */
export const columnStdOp: Op<null> = {
  name: 'column_std',
  infer([x]) {
    check(x.shape.length === 2 && x.dtype === 'f32', 'column_std', 'the input must be a f32 matrix', x);
    return [{ shape: [1], dtype: 'f32' }];
  },
  launches({ inputs: [x], outputs: [y] }) {
    const [rows, columns] = x.shape;
    const part = Math.max(shortestPart, Math.ceil(Math.sqrt(rows)));
    const parts = Math.ceil(rows / part);
    const size = parts * columns;
    const partial = new Scratch('sums of columns', 2 * size * bytesPerElement);
    const add: Launch = {
      kernel: sums,
      bindings: { x, partial },
      params: { rows, columns, part, size },
      workgroups: grid1d(size, 64),
      flops: 4 * x.size,
    };
    const bindings = { partial, result: y };
    return [add, { kernel: mean, bindings, params: { rows, columns, parts }, workgroups: [1, 1, 1] }];
  },
};

/**
 * The standard deviation over the rows (divided by their number) of each column of x [M, D], averaged over the columns: [1].
 *
 * Of unit vectors it tells collapse (Chen & He, 2021): 0 where all are equal, about 1/√D where they point everywhere.
 */
export const columnStd = (x: Tensor): Tensor => apply(columnStdOp, [x], null)[0];
