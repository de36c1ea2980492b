import type { Definition, Definitions } from './interpreter.ts';

/** Index in the whole and in the range of every element of a range [parts · rows, columns], where the whole has it. */
function* pairsOf(whole: number, wholeRows: number, range: number, rangeRows: number, parts: number, first: number) {
  const columns = whole / wholeRows;
  const [partRows, rows] = [wholeRows / parts, rangeRows / parts];
  for (let i = 0; i < range; i++) {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const at = first + (row % rows);
    if (at < partRows) yield [(Math.floor(row / rows) * partRows + at) * columns + column, i] as const;
  }
}

const narrow: Definition = ([x, [first]], { inputs, outputs: [y], attrs: { parts } }) => {
  const result = new Float64Array(y.size);
  for (const [from, to] of pairsOf(x.length, inputs[0].shape[0], y.size, y.shape[0], parts, first))
    result[to] = x[from];
  return [result];
};

const indexCopy: Definition = ([y, x, rows, [made]], { inputs: [target, source], attrs: { parts } }) => {
  if (made === 0) return [];
  const columns = x.length / source.shape[0];
  if (rows.length > 1) {
    for (const [i, row] of [...rows].entries())
      if (row < target.shape[0]) for (let c = 0; c < columns; c++) y[row * columns + c] = x[i * columns + c];
    return [];
  }
  const [first] = rows;
  for (const [to, from] of pairsOf(y.length, target.shape[0], x.length, source.shape[0], parts, first)) y[to] = x[from];
  return [];
};

export default { narrow, index_copy: indexCopy } satisfies Definitions;
