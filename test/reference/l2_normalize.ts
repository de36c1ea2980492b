import type { Definitions } from './interpreter.ts';

const norms = (x: Float64Array, rows: number) => {
  const columns = x.length / rows;
  return Float64Array.from({ length: rows }, (_, r) => Math.hypot(...x.subarray(r * columns, (r + 1) * columns)));
};

export default {
  l2_normalize([x], { outputs: [, { size: rows }], attrs: { eps } }) {
    const norm = norms(x, rows);
    const columns = x.length / rows;
    return [x.map((value, i) => value / Math.max(norm[Math.floor(i / columns)], eps)), norm];
  },
  l2_normalize_backward([dy, y, norm], { attrs: { eps } }) {
    const columns = y.length / norm.length;
    const along = norm.map((length, r) => {
      let dot = 0;
      for (let i = r * columns; i < (r + 1) * columns; i++) dot += y[i] * dy[i];
      return length < eps ? 0 : dot;
    });
    return [
      dy.map((value, i) => {
        const r = Math.floor(i / columns);
        return (value - y[i] * along[r]) / Math.max(norm[r], eps);
      }),
    ];
  },
} satisfies Definitions;
