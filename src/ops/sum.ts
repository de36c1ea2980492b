import forward from '../../kernels/sum/forward.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { bytesPerElement, check, type Launch, type Op, Scratch, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';

/** y[n] = Σ_m x[m, n]. It has no gradient rule: it makes the gradients of biases. */
export const sumOp: Op<null> = {
  name: 'sum',
  infer([x]) {
    check(x.shape.length === 2 && x.dtype === 'f32', 'sum', 'the input must be a f32 matrix', x);
    return [{ shape: [x.shape[1]], dtype: 'f32' }];
  },
  launches: ({ inputs: [x], outputs: [y] }) => sumLaunches(x, y, x.shape[0], x.shape[1]),
};

/** Rows that one invocation adds up at least. */
const shortestPart = 64;

/**
 * Launches that sum x [rows, columns] over its rows into y [columns]: up to 64 rows at once, more in two steps of about √rows,
 * always in the same order.
 */
export function sumLaunches(x: Tensor | Scratch, y: Tensor | Scratch, rows: number, columns: number): Launch[] {
  const part = Math.max(shortestPart, Math.ceil(Math.sqrt(rows)));
  const parts = Math.ceil(rows / part);
  if (parts === 1) return [sumParts(x, y, rows, columns, rows)];
  const partial = new Scratch('partial sums of rows', parts * columns * bytesPerElement);
  return [sumParts(x, partial, rows, columns, part), sumParts(partial, y, parts, columns, parts)];
}

function sumParts(x: Tensor | Scratch, y: Tensor | Scratch, rows: number, columns: number, part: number): Launch {
  const size = Math.ceil(rows / part) * columns;
  return {
    kernel: forward,
    bindings: { x, y },
    params: { rows, columns, part, size },
    workgroups: grid1d(size, 64),
    flops: rows * columns,
  };
}

/** As `torch.sum(x, dim=0)`: sums of the columns of x [M, N] → [N]. */
export const sum = (x: Tensor): Tensor => apply(sumOp, [x], null)[0];
