import type { Definitions } from './interpreter.ts';

export default {
  column_std([x], { inputs: [{ shape }] }) {
    const [rows, columns] = shape;
    let sum = 0;
    for (let c = 0; c < columns; c++) {
      const column = Float64Array.from({ length: rows }, (_, r) => x[r * columns + c]);
      const mean = column.reduce((a, b) => a + b, 0) / rows;
      sum += Math.sqrt(column.reduce((a, b) => a + (b - mean) ** 2, 0) / rows);
    }
    return [Float64Array.of(sum / columns)];
  },
} satisfies Definitions;
