import type { Shape } from '../../src/graph/tensor.ts';
import type { Definitions, Values } from './interpreter.ts';

interface Sizes {
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
  readonly d: number;
}
const sizesOf = ([batch, queries, d]: Shape, [, keys]: Shape): Sizes => ({ batch, queries, keys, d });

const dot = (a: Values, i: number, b: Values, j: number, d: number): number => {
  let sum = 0;
  for (let c = 0; c < d; c++) sum += a[i * d + c] * b[j * d + c];
  return sum;
};

/** Probabilities [batch, queries, keys], and the logarithm of each row's sum. */
function probabilities(q: Values, k: Values, { batch, queries, keys, d }: Sizes, causal: boolean) {
  const p = new Float64Array(batch * queries * keys);
  const lse = new Float64Array(batch * queries);
  for (let row = 0; row < batch * queries; row++) {
    const [n, i] = [Math.floor(row / queries), row % queries];
    const seen = causal ? i + 1 : keys;
    const scores = Array.from({ length: seen }, (_, j) => dot(q, row, k, n * keys + j, d) / Math.sqrt(d));
    const largest = Math.max(...scores);
    lse[row] = largest + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - largest), 0));
    scores.forEach((score, j) => {
      p[row * keys + j] = Math.exp(score - lse[row]);
    });
  }
  return { p, lse };
}

export default {
  attention([q, k, v], { inputs, attrs: { causal } }) {
    const sizes = sizesOf(inputs[0].shape, inputs[1].shape);
    const { queries, keys, d } = sizes;
    const { p, lse } = probabilities(q, k, sizes, causal);
    const y = new Float64Array(q.length).map((_, at) => {
      const [row, c] = [Math.floor(at / d), at % d];
      const first = Math.floor(row / queries) * keys;
      let sum = 0;
      for (let j = 0; j < keys; j++) sum += p[row * keys + j] * v[(first + j) * d + c];
      return sum;
    });
    return [y, lse];
  },
  attention_backward([dy, q, k, v], { inputs, attrs: { causal } }) {
    const sizes = sizesOf(inputs[1].shape, inputs[2].shape);
    const { batch, queries, keys, d } = sizes;
    const { p } = probabilities(q, k, sizes, causal);
    const [dq, dk, dv] = [q, k, v].map(({ length }) => new Float64Array(length));
    for (let row = 0; row < batch * queries; row++) {
      const first = Math.floor(row / queries) * keys;
      const dp = Array.from({ length: keys }, (_, j) => dot(dy, row, v, first + j, d));
      const delta = dp.reduce((sum, value, j) => sum + p[row * keys + j] * value, 0);
      for (let j = 0; j < keys; j++) {
        const weight = p[row * keys + j];
        const ds = (weight * (dp[j] - delta)) / Math.sqrt(d);
        for (let c = 0; c < d; c++) {
          dq[row * d + c] += ds * k[(first + j) * d + c];
          dk[(first + j) * d + c] += ds * q[row * d + c];
          dv[(first + j) * d + c] += weight * dy[row * d + c];
        }
      }
    }
    return [dq, dk, dv];
  },
} satisfies Definitions;
