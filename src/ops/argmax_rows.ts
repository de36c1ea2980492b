import merge from '../../kernels/argmax_rows/merge.wgsl';
import parts from '../../kernels/argmax_rows/parts.wgsl';
import partsF16 from '../../kernels/argmax_rows/parts_f16.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { bytesPerElement, check, type Launch, type Op, Scratch, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';
import { checkRows, rowParts } from './row_parts.ts';

/** y[m] = the first c with the largest x[m, c]. NaN is less than any number. */
export const argmaxRowsOp: Op<null> = {
  name: 'argmax_rows',
  infer([x]) {
    checkRows('argmax_rows', x);
    check(x.shape.length === 2, 'argmax_rows', 'the input must be a matrix', x);
    return [{ shape: [x.shape[0]], dtype: 'u32' }];
  },
  launches({ inputs: [x], outputs: [y] }) {
    const rows = rowParts(x.shape, x.size);
    const invocations = rows.rows * rows.parts;
    const values = new Scratch('largest of parts', invocations * bytesPerElement);
    const columns = new Scratch('columns of the largest', invocations * bytesPerElement);
    const search: Launch = {
      kernel: x.dtype === 'f16' ? partsF16 : parts,
      bindings: { x, values, columns },
      params: { ...rows },
      workgroups: grid1d(invocations, 64),
    };
    const choice: Launch = {
      kernel: merge,
      bindings: { values, columns, y },
      params: { rows: rows.rows, parts: rows.parts },
      workgroups: grid1d(rows.rows, 64),
    };
    return [search, choice];
  },
};

/** As `torch.argmax(x, dim=1)`: x [M, C], f32 or f16, → u32 [M]; of equal values the first. It has no gradient. */
export const argmaxRows = (x: Tensor): Tensor => apply(argmaxRowsOp, [x], null)[0];
