import type { Definitions } from './interpreter.ts';

export default {
  matmul([a, b, bias], { outputs: [c], attrs: { transposeA, transposeB } }) {
    const [rows, columns] = c.shape;
    const depth = a.length / rows;
    const y = new Float64Array(rows * columns);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let sum = bias ? bias[j] : 0;
        for (let k = 0; k < depth; k++) {
          sum += a[transposeA ? k * rows + i : i * depth + k] * b[transposeB ? j * depth + k : k * columns + j];
        }
        y[i * columns + j] = sum;
      }
    }
    return [y];
  },
} satisfies Definitions;
