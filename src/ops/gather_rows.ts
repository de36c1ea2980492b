import gather from '../../kernels/gather_rows/forward.wgsl';
import gatherF16 from '../../kernels/gather_rows/forward_f16.wgsl';
import scatterAdd from '../../kernels/scatter_add_rows/add.wgsl';
import scatterAddF16 from '../../kernels/scatter_add_rows/add_f16.wgsl';
import links from '../../kernels/scatter_add_rows/links.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { bytesPerElement, check, type Launch, type Op, Scratch, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';

/** y[m] = x[indices[m]], zeros where the index is R or more. */
export const gatherRowsOp: Op<null> = {
  name: 'gather_rows',
  infer([x, indices]) {
    check(x.shape.length >= 1 && x.size > 0, 'gather_rows', 'the input must be [R, ...]', x);
    checkIndices('gather_rows', indices);
    return [{ shape: [indices.size, ...x.shape.slice(1)], dtype: x.dtype }];
  },
  launches({ inputs: [x, indices], outputs: [y] }) {
    const [rows] = x.shape;
    return [
      {
        kernel: x.dtype === 'f16' ? gatherF16 : gather,
        bindings: { x, indices, y },
        params: { rows, columns: x.size / rows, size: y.size },
        workgroups: grid1d(y.size, 64),
      },
    ];
  },
  gradient: ({ inputs: [x, indices] }, [dy]) => [dy && scatterAddRows(dy, indices, x.shape[0])],
};

/**
 * y[r] = Σ x[m] over the m with indices[m] = r, in the order of m; an index of R or more counts nowhere. The indices
 * are first made lists, one a target row, by scanning: (R + M) M reads at most, and no atomics, so that the sum is
 * always the same.
 */
export const scatterAddRowsOp: Op<{ rows: number }> = {
  name: 'scatter_add_rows',
  infer([x, indices], { rows }) {
    const float = x.dtype === 'f32' || x.dtype === 'f16';
    check(float && x.shape.length >= 1, 'scatter_add_rows', 'the input must be f32 or f16 [M, ...]', x);
    checkIndices('scatter_add_rows', indices);
    check(x.shape[0] === indices.size, 'scatter_add_rows', 'there must be one index for each row', x, indices);
    check(Number.isInteger(rows) && rows >= 1, 'scatter_add_rows', `${rows} rows must be 1 or more`, x);
    return [{ shape: [rows, ...x.shape.slice(1)], dtype: x.dtype }];
  },
  launches({ inputs: [x, indices], outputs: [y], attrs: { rows } }) {
    const count = indices.size;
    const lists = new Scratch('lists of indices', (rows + count) * bytesPerElement);
    const link: Launch = {
      kernel: links,
      bindings: { indices, links: lists },
      params: { rows, count },
      workgroups: grid1d(rows + count, 64),
    };
    const add: Launch = {
      kernel: x.dtype === 'f16' ? scatterAddF16 : scatterAdd,
      bindings: { x, links: lists, y },
      params: { rows, count, columns: x.size / count, size: y.size },
      workgroups: grid1d(y.size, 64),
      flops: x.size,
    };
    return [link, add];
  },
  gradient: ({ inputs: [, indices] }, [dy]) => [dy && gatherRows(dy, indices)],
};

function checkIndices(op: string, indices: Tensor): void {
  check(indices.dtype === 'u32' && indices.shape.length === 1, op, 'indices must be u32 [M]', indices);
}

/**
 * As `torch.index_select(x, 0, indices)`: rows of x [R, ...], of any type, by indices u32 [M] → [M, ...]. An index past
 * the end gives zeros.
 */
export const gatherRows = (x: Tensor, indices: Tensor): Tensor => apply(gatherRowsOp, [x, indices], null)[0];

/**
 * As `torch.zeros(R, ...).index_add(0, indices, x)`: each row of x [M, ...], f32 or f16, is added to the row of the
 * result [R, ...] that indices u32 [M] name; sums are f32. Rows whose index is past the end are left out.
 */
export const scatterAddRows = (x: Tensor, indices: Tensor, rows: number): Tensor =>
  apply(scatterAddRowsOp, [x, indices], { rows })[0];
