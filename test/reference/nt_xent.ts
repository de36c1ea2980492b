import type { Definitions, Values } from './interpreter.ts';

/** s_ik = y_i·y_k / temperature, with −∞ on the diagonal, and log Σ_k exp s_ik. */
function similarities(y: Values, rows: number, temperature: number) {
  const columns = y.length / rows;
  const s = new Float64Array(rows * rows);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < rows; k++) {
      let dot = 0;
      for (let d = 0; d < columns; d++) dot += y[i * columns + d] * y[k * columns + d];
      s[i * rows + k] = i === k ? Number.NEGATIVE_INFINITY : dot / temperature;
    }
  }
  const lse = Float64Array.from({ length: rows }, (_, i) => {
    const row = s.subarray(i * rows, (i + 1) * rows);
    const largest = row.reduce((a, b) => Math.max(a, b));
    return largest + Math.log(row.reduce((sum, value) => sum + Math.exp(value - largest), 0));
  });
  return { s, lse };
}

export default {
  nt_xent([y], { outputs: [, , { size: rows }], attrs: { temperature } }) {
    const { s, lse } = similarities(y, rows, temperature);
    let loss = 0;
    let right = 0;
    for (let i = 0; i < rows; i++) {
      const positive = (i + rows / 2) % rows;
      const row = s.subarray(i * rows, (i + 1) * rows);
      loss += (lse[i] - row[positive]) / rows;
      right += row.indexOf(row.reduce((a, b) => Math.max(a, b))) === positive ? 1 : 0;
    }
    return [Float64Array.of(loss), Float64Array.of(right / rows), lse];
  },
  nt_xent_backward([dloss, y], { inputs: [, , { size: rows }], attrs: { temperature } }) {
    const columns = y.length / rows;
    const { s, lse } = similarities(y, rows, temperature);
    const a = s.map((value, at) => {
      const i = Math.floor(at / rows);
      const target = at % rows === (i + rows / 2) % rows ? 1 : 0;
      return (Math.exp(value - lse[i]) - target) / (rows * temperature);
    });
    const dy = new Float64Array(y.length);
    for (let i = 0; i < rows; i++) {
      for (let k = 0; k < rows; k++) {
        const weight = (a[i * rows + k] + a[k * rows + i]) * dloss[0];
        for (let d = 0; d < columns; d++) dy[i * columns + d] += weight * y[k * columns + d];
      }
    }
    return [dy];
  },
} satisfies Definitions;
