import type { Definitions } from './interpreter.ts';

export default {
  cross_entropy([logits, labels]) {
    const rows = labels.length;
    const columns = logits.length / rows;
    let loss = 0;
    let right = 0;
    const lse = labels.map((label, r) => {
      const row = logits.subarray(r * columns, (r + 1) * columns);
      const largest = row.reduce((a, b) => Math.max(a, b));
      const value = largest + Math.log(row.reduce((sum, x) => sum + Math.exp(x - largest), 0));
      loss += (value - row[label]) / rows;
      right += row.indexOf(largest) === label ? 1 : 0;
      return value;
    });
    return [Float64Array.of(loss), Float64Array.of(right / rows), lse];
  },
  cross_entropy_backward([dloss, logits, labels, lse]) {
    const columns = logits.length / labels.length;
    const ofRow = (r: number) => (dloss.length === 1 ? dloss[0] / labels.length : dloss[r]);
    return [
      logits.map((x, i) => {
        const r = Math.floor(i / columns);
        return ofRow(r) * (Math.exp(x - lse[r]) - (i % columns === labels[r] ? 1 : 0));
      }),
    ];
  },
} satisfies Definitions;
