import { expect, it } from 'vitest';
import type { Tensor } from '../../src/graph/tensor.ts';
import { trace } from '../../src/graph/trace.ts';
import { scaledDotProductAttention } from '../../src/ops/attention.ts';
import { mul } from '../../src/ops/binary.ts';
import { bmm } from '../../src/ops/bmm.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { softmax } from '../../src/ops/softmax.ts';
import { interpret } from '../reference/interpreter.ts';
import { type Case, relativeError, sample, testCases, testGradient } from './harness.ts';

/** Matrices, queries, keys, numbers of each. */
type Sizes = readonly [number, number, number, number];
interface Kind {
  readonly causal?: boolean;
  readonly dtype?: 'f16';
  /** Of the queries: large ones have one key each. */
  readonly scale?: number;
}

function samples([batch, queries, keys, d]: Sizes, { dtype, scale }: Kind) {
  const q = sample('q', [batch, queries, d], { dtype, scale });
  const [k, v] = ['k', 'v'].map((name) => sample(name, [batch, keys, d], { dtype }));
  return { q, k, v, dy: sample('dy', q.shape, { dtype }) };
}

const item = (sizes: Sizes, kind: Kind = {}): Case => ({
  name: `attention [${sizes}] ${JSON.stringify(kind)}`,
  feature: kind.dtype && 'shader-f16',
  build() {
    const { q, k, v, dy } = samples(sizes, kind);
    const y = scaledDotProductAttention(q, k, v, kind);
    const [dq, dk, dv] = gradients(y, [q, k, v], dy);
    return { y, dq, dk, dv };
  },
});

// A vision transformer's, single rows and keys, rows that are no whole fours, other keys than queries, one key each.
testCases([
  item([6, 65, 65, 16]),
  item([2, 50, 50, 64]),
  item([3, 1, 2, 4]),
  item([1, 5, 9, 8]),
  item([2, 9, 3, 12]),
  item([130, 3, 2, 4]),
  item([2, 17, 17, 32], { causal: true }),
  item([3, 4, 4, 8], { causal: true }),
  item([2, 9, 9, 16], { scale: 200 }),
  item([2, 21, 13, 64], { dtype: 'f16' }),
  item([3, 10, 10, 16], { dtype: 'f16', causal: true }),
  item([3, 10, 10, 8], { dtype: 'f16' }),
]);

for (const causal of [false, true])
  testGradient(`attention, causal ${causal}`, () => {
    const { q, k, v, dy } = samples([2, 5, 5, 4], { causal });
    const y = scaledDotProductAttention(q, k, v, { causal });
    return { y, dy, targets: [q, k, v], dx: gradients(y, [q, k, v], dy) };
  });

it('and its gradients are those of the products and the softmax of a stored matrix', () => {
  const { q, k, v, dy } = samples([3, 7, 6, 4], {});
  const { graph, result } = trace(() => {
    const all = (y: Tensor) => [y, ...gradients(y, [q, k, v], dy)];
    const weights = softmax(mul(bmm(q, k, { transposeB: true }), 1 / Math.sqrt(4)));
    return { fused: all(scaledDotProductAttention(q, k, v)), composed: all(bmm(weights, v)) };
  });
  const values = interpret(graph);
  result.fused.forEach((tensor, i) => {
    expect(relativeError(values.get(tensor)!, values.get(result.composed[i])!)).toBeLessThan(1e-12);
  });
});

it('refuses what does not fit', () => {
  const refused = (q: number[], k: number[], options = {}) =>
    expect(() => trace(() => scaledDotProductAttention(sample('q', q), sample('k', k), sample('v', k), options)));
  refused([2, 3], [2, 3]).toThrow(/\[attention\] q, k and v must be f32 \[B, T, d\]/);
  refused([2, 3, 4], [3, 3, 4]).toThrow(/\[attention\] k and v must be \[B, S, d\]/);
  refused([2, 3, 68], [2, 3, 68]).toThrow(/\[attention\] d must be a multiple of 4, at most 64/);
  refused([2, 3, 4], [2, 5, 4], { causal: true }).toThrow(/\[attention\] causal attention has as many keys as queries/);
});
