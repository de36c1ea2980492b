import { expect, it } from 'vitest';
import { trace } from '../../src/graph/trace.ts';
import { bmm } from '../../src/ops/bmm.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { type Case, sample, testCases, testGradient } from './harness.ts';

/** Batch, M, K, N. */
type Sizes = readonly [number, number, number, number];
const layouts = [{}, { transposeA: true }, { transposeB: true }, { transposeA: true, transposeB: true }];

function product([batch, m, k, n]: Sizes, layout: (typeof layouts)[number], dtype?: 'f16') {
  const a = sample('a', [batch, ...(layout.transposeA ? [k, m] : [m, k])], { dtype });
  const b = sample('b', [batch, ...(layout.transposeB ? [n, k] : [k, n])], { dtype });
  const c = bmm(a, b, layout);
  const dc = sample('dc', c.shape, { dtype });
  return { a, b, c, dc };
}

const item = (sizes: Sizes, layout: (typeof layouts)[number], dtype?: 'f16'): Case => ({
  name: `bmm and its gradients ${dtype ?? 'f32'} [${sizes}] ${JSON.stringify(layout)}`,
  feature: dtype && 'shader-f16',
  build() {
    const { a, b, c, dc } = product(sizes, layout, dtype);
    const [da, db] = gradients(c, [a, b], dc);
    return { c, da, db };
  },
});

// Attention's, whole blocks of 4 and not, primes, single rows and terms.
const sizes: Sizes[] = [
  [1, 1, 1, 1],
  [3, 8, 12, 4],
  [2, 5, 8, 12],
  [5, 7, 3, 5],
  [2, 17, 13, 11],
  [2, 4, 2, 8],
  [3, 1, 67, 1],
  [6, 50, 16, 49],
];

testCases([
  ...sizes.flatMap((size) => layouts.flatMap((layout) => [item(size, layout), item(size, layout, 'f16')])),
  item([400, 3, 5, 2], {}),
]);

for (const layout of layouts) {
  testGradient(`bmm ${JSON.stringify(layout)}`, () => {
    const { a, b, c, dc } = product([2, 3, 4, 5], layout);
    return { y: c, dy: dc, targets: [a, b], dx: gradients(c, [a, b], dc) };
  });
}

it('refuses what does not fit', () => {
  const refused = (a: number[], b: number[], options = {}, dtype?: 'f16') =>
    expect(() => trace(() => bmm(sample('a', a), sample('b', b, { dtype }), options)));
  refused([2, 3], [2, 3, 4]).toThrow(/\[bmm\] both inputs must be f32 \[B, \., \.\]/);
  refused([2, 3, 4], [2, 4, 5], {}, 'f16').toThrow(/\[bmm\] .*or both f16/);
  refused([2, 3, 4], [3, 4, 5]).toThrow(/\[bmm\] .*as many matrices/);
  refused([2, 3, 4], [2, 3, 5], { transposeB: true }).toThrow(/\[bmm\] the columns of A .*A and Bᵀ/);
});
