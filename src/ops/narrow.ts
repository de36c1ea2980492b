import indexCopyKernel from '../../kernels/index_copy/forward.wgsl';
import narrowKernel from '../../kernels/narrow/forward.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { check, type Op, type Tensor } from '../graph/tensor.ts';
import { apply, constant } from '../graph/trace.ts';

interface PartsAttrs {
  /** A tensor's rows are so many parts of equal length; the range is taken in each of them. */
  readonly parts: number;
}

interface NarrowAttrs extends PartsAttrs {
  /** Rows of the range in each part. */
  readonly rows: number;
}

/** y[p, i] = x[p, first + i]: rows `first` … `first + rows − 1` of every part of x. */
export const narrowOp: Op<NarrowAttrs> = {
  name: 'narrow',
  infer([x, first], { parts, rows }) {
    checkRows('narrow', x, parts);
    checkFirst('narrow', first);
    const fits = Number.isInteger(rows) && rows >= 1 && rows * parts <= x.shape[0];
    check(fits, 'narrow', `a range of ${rows} rows must fit into one of ${parts} parts`, x);
    return [{ shape: [parts * rows, ...x.shape.slice(1)], dtype: 'f32' }];
  },
  launches: ({ inputs: [x, first], outputs: [y], attrs }) => [
    { kernel: narrowKernel, bindings: { x, first, y }, ...sizes(x, y, attrs) },
  ],
};

/**
 * y[p, first + i] = x[p, i]: rows `first` … of every part of the variable y are set, the others keep their values. Where `first` has more
 * than one number, there is one part, and y[first[i]] = x[i]. None where made is 0.
 */
export const indexCopyOp: Op<PartsAttrs> = {
  name: 'index_copy',
  infer([y, x, first, made], { parts }) {
    const scattered = first.size > 1;
    checkRows('index_copy', y, parts);
    if (!scattered) checkFirst('index_copy', first);
    const each = first.dtype === 'u32' && parts === 1 && first.size === x.shape[0];
    check(!scattered || each, 'index_copy', 'there must be one row as u32 for each of x, and one part', first, x);
    check(made.dtype === 'u32' && made.size === 1, 'index_copy', 'made must be u32 [1]', made);
    const same = x.dtype === 'f32' && x.shape.slice(1).join() === y.shape.slice(1).join();
    const fits = same && x.shape[0] >= 1 && x.shape[0] % parts === 0 && x.shape[0] <= y.shape[0];
    check(fits, 'index_copy', `the rows must have the target's columns and fit into its ${parts} parts`, x, y);
    return [];
  },
  launches: ({ inputs: [y, x, first, made], attrs }) => [
    {
      kernel: indexCopyKernel,
      ...(first.size > 1 && { constants: { scattered: 1 } }),
      bindings: { x, first, made, y },
      ...sizes(y, x, attrs),
    },
  ],
  mutates: () => [0],
};

function checkRows(op: string, whole: Tensor, parts: number): void {
  const divided = whole.dtype === 'f32' && whole.shape.length >= 1 && whole.shape[0] % parts === 0;
  check(divided && whole.shape[0] >= parts, op, `expected f32 [rows, …] in ${parts} parts of equal length`, whole);
}

function checkFirst(op: string, first: Tensor): void {
  check(first.dtype === 'u32' && first.size === 1, op, 'first must be u32 [1]', first);
}

/** How a range [parts · rows, columns] lies in a whole [parts · part_rows, columns]. */
function sizes(whole: Tensor, range: Tensor, { parts }: PartsAttrs) {
  return {
    params: {
      part_rows: whole.shape[0] / parts,
      rows: range.shape[0] / parts,
      columns: whole.size / whole.shape[0],
      size: range.size,
    },
    workgroups: grid1d(range.size, 64),
  };
}

/**
 * As `torch.narrow` along the rows: rows `first` … `first + rows − 1` of each of the `parts` equal parts of x [parts · P, …] →
 * [parts · rows, …]. `first` is u32 [1], so that one program reads other rows in every run; rows past the end of a part are zeros.
 */
export const narrow = (x: Tensor, first: Tensor, attrs: NarrowAttrs): Tensor => apply(narrowOp, [x, first], attrs)[0];

export interface IndexCopyOptions extends Partial<PartsAttrs> {
  /** u32 [1]: nothing is written where it is 0, such as in a step that is skipped (see `stepMade`). */
  readonly made?: Tensor | undefined;
}

/**
 * As `index_copy_` along the rows: sets rows of a variable [parts · P, …] to x [parts · rows, …], from row `first` (u32 [1]) of
 * each part on; rows past the end of a part are left out. By default from row 0 of the whole. Where `first` is u32 [M], more than one, it
 * names a row of the variable for each row of x [M, …]; no row may be named twice.
 */
export function indexCopy(
  target: Tensor,
  x: Tensor,
  first = constant('first row', Uint32Array.of(0)),
  { parts = 1, made = constant('made', Uint32Array.of(1)) }: IndexCopyOptions = {},
): void {
  apply(indexCopyOp, [target, x, first, made], { parts });
}
