import type { Definitions, Values } from './interpreter.ts';

/** x̂ of every element, from what the forward pass saved: (mean − first element, rstd) of each row. */
const normalised = (x: Values, stats: Values, columns: number) =>
  x.map((value, i) => {
    const r = Math.floor(i / columns);
    return (value - x[r * columns] - stats[2 * r]) * stats[2 * r + 1];
  });

export default {
  layer_norm([x, weight, bias], { attrs: { eps } }) {
    const columns = weight.length;
    const rows = x.length / columns;
    const stats = new Float64Array(2 * rows);
    for (let r = 0; r < rows; r++) {
      const row = x.subarray(r * columns, (r + 1) * columns);
      const mean = row.reduce((a, b) => a + b, 0) / columns;
      const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / columns;
      stats.set([mean - row[0], 1 / Math.sqrt(variance + eps)], 2 * r);
    }
    const scaled = normalised(x, stats, columns).map((value, i) => value * weight[i % columns] + bias[i % columns]);
    return [scaled, stats];
  },
  layer_norm_backward([x, dy, stats, weight]) {
    const columns = weight.length;
    const xhat = normalised(x, stats, columns);
    const g = dy.map((value, i) => value * weight[i % columns]);
    const dx = new Float64Array(x.length);
    for (let start = 0; start < x.length; start += columns) {
      let [sum, along] = [0, 0];
      for (let i = start; i < start + columns; i++) {
        sum += g[i];
        along += g[i] * xhat[i];
      }
      const rstd = stats[(2 * start) / columns + 1];
      for (let i = start; i < start + columns; i++) dx[i] = rstd * (g[i] - (sum + xhat[i] * along) / columns);
    }
    return [dx];
  },
  layer_norm_backward_affine([x, dy, stats], { outputs: [{ size: columns }] }) {
    const xhat = normalised(x, stats, columns);
    const dweight = new Float64Array(columns);
    const dbias = new Float64Array(columns);
    dy.forEach((value, i) => {
      dweight[i % columns] += value * xhat[i];
      dbias[i % columns] += value;
    });
    return [dweight, dbias];
  },
} satisfies Definitions;
