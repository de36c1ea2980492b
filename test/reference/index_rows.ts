import type { Definitions } from './interpreter.ts';

export default {
  gather_rows([x, indices], { inputs: [{ shape }] }) {
    const columns = x.length / shape[0];
    const y = new Float64Array(indices.length * columns);
    indices.forEach((row, m) => {
      if (row < shape[0]) y.set(x.subarray(row * columns, (row + 1) * columns), m * columns);
    });
    return [y];
  },
  scatter_add_rows([x, indices], { attrs: { rows } }) {
    const columns = x.length / indices.length;
    const y = new Float64Array(rows * columns);
    x.forEach((value, i) => {
      const row = indices[Math.floor(i / columns)];
      if (row < rows) y[row * columns + (i % columns)] += value;
    });
    return [y];
  },
  argmax_rows([x], { inputs: [{ shape }] }) {
    const [rows, columns] = shape;
    return [
      Float64Array.from({ length: rows }, (_, r) => {
        const row = x.subarray(r * columns, (r + 1) * columns);
        return row.indexOf(row.reduce((a, b) => Math.max(a, b)));
      }),
    ];
  },
  rank_rows([x], { inputs: [{ shape }] }) {
    const [rows, columns] = shape;
    const y = new Float64Array(x.length);
    for (let r = 0; r < rows; r++) {
      const row = x.subarray(r * columns, (r + 1) * columns);
      const order = [...row.keys()].sort((a, b) => row[a] - row[b] || a - b);
      order.forEach((column, rank) => {
        y[r * columns + column] = rank;
      });
    }
    return [y];
  },
} satisfies Definitions;
