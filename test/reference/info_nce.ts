import type { Node } from '../../src/graph/tensor.ts';
import type { Definitions, Values } from './interpreter.ts';

function dot(a: Values, b: Values): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d] * b[d];
  return sum;
}

const rowsOf = (x: Values, columns: number): Values[] =>
  Array.from({ length: x.length / columns }, (_, i) => x.subarray(i * columns, (i + 1) * columns));

const isCandidate = (key: number, target: number, excluded: number, own: number): boolean =>
  key !== excluded && (key >= own || key === target);

/** dx [rows of x] from A_ij = dloss (P_ij − Y_ij) / (M temperature) of query i and key j. */
function gradient([dloss, lse, target, excluded, temperature, x, ...others]: readonly Values[], node: Node): Values[] {
  const { own, of, first } = node.attrs;
  const columns = node.inputs[5].shape[1];
  const rows = rowsOf(x, columns);
  const theirs = others.flatMap((other) => rowsOf(other, columns));
  const dx = new Float64Array(x.length);
  const dxOf = rowsOf(dx, columns);
  const weight = (query: number, key: number, s: number): number => {
    const p = isCandidate(key, target[query], excluded[query], own) ? Math.exp(s - lse[query]) : 0;
    return ((p - (key === target[query] ? 1 : 0)) * dloss[0]) / (lse.length * temperature[0]);
  };
  rows.forEach((row, r) => {
    theirs.forEach((other, c) => {
      const s = dot(row, other) / temperature[0];
      const asQuery = of === 'keys' ? 0 : weight(r, c, s);
      const asKey = of === 'queries' ? 0 : weight(c, first + r, s);
      for (let d = 0; d < columns; d++) dxOf[r][d] += (asQuery + asKey) * other[d];
    });
  });
  return [dx];
}

export default {
  info_nce([q, keys, target, excluded, temperature, queue], { inputs, attrs: { own } }) {
    const columns = inputs[0].shape[1];
    const all = [...rowsOf(keys, columns), ...(queue ? rowsOf(queue, columns) : [])];
    const lse = new Float64Array(target.length);
    let loss = 0;
    let right = 0;
    rowsOf(q, columns).forEach((query, i) => {
      const s = all.map((key) => dot(query, key) / temperature[0]);
      const candidates = s.map((value, j) =>
        isCandidate(j, target[i], excluded[i], own) ? value : Number.NEGATIVE_INFINITY,
      );
      const largest = candidates.reduce((a, b) => Math.max(a, b));
      lse[i] = largest + Math.log(candidates.reduce((sum, value) => sum + Math.exp(value - largest), 0));
      loss += (lse[i] - s[target[i]]) / lse.length;
      right += candidates.indexOf(largest) === target[i] ? 1 : 0;
    });
    return [Float64Array.of(loss), Float64Array.of(right / lse.length), lse];
  },
  info_nce_backward: gradient,
} satisfies Definitions;
