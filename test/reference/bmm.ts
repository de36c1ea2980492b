import type { Definitions } from './interpreter.ts';

export default {
  bmm([a, b], { outputs: [c], attrs: { transposeA, transposeB } }) {
    const [batch, rows, columns] = c.shape;
    const depth = a.length / (batch * rows);
    const y = new Float64Array(c.size);
    for (let n = 0; n < batch; n++) {
      const [ofA, ofB] = [n * rows * depth, n * columns * depth];
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) {
          let sum = 0;
          for (let k = 0; k < depth; k++) {
            const left = a[ofA + (transposeA ? k * rows + i : i * depth + k)];
            sum += left * b[ofB + (transposeB ? j * depth + k : k * columns + j)];
          }
          y[(n * rows + i) * columns + j] = sum;
        }
      }
    }
    return [y];
  },
} satisfies Definitions;
