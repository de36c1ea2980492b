import { expect, it } from 'vitest';
import { trace } from '../../src/graph/trace.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { matmul } from '../../src/ops/matmul.ts';
import { sumRows } from '../../src/ops/sum_rows.ts';
import { type Case, sample, testCases, testGradient } from './harness.ts';

const order = (transposed: boolean, rows: number, columns: number) => (transposed ? [columns, rows] : [rows, columns]);

interface Sizes {
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

function product({ m, k, n }: Sizes, transposeA: boolean, transposeB: boolean, withBias: boolean) {
  const a = sample('a', order(transposeA, m, k));
  const b = sample('b', order(transposeB, k, n));
  const bias = withBias ? sample('bias', [n]) : undefined;
  return { c: matmul(a, b, { transposeA, transposeB, bias }), targets: bias ? [a, b, bias] : [a, b] };
}

function gradientCase(sizes: Sizes, transposeA: boolean, transposeB: boolean, withBias: boolean): Case {
  const { m, k, n } = sizes;
  return {
    name: `matmul ${m}×${k}×${n}${transposeA ? ' Aᵀ' : ''}${transposeB ? ' Bᵀ' : ''}${withBias ? ' + bias' : ''}`,
    build() {
      const { c, targets } = product(sizes, transposeA, transposeB, withBias);
      const [da, db, dbias] = gradients(c, targets, sample('dc', [m, n]));
      return { c, da, db, ...(dbias && { dbias }) };
    },
    // 4 ε √K with ε = 2⁻²⁴·2 for the longest of the three sums
    tolerance: 4 * 2 ** -23 * Math.sqrt(Math.max(m, k, n)),
  };
}

// Around the tile of 8 × 128, taller than wide and wider than tall, and sums long enough to be cut into slices (64 terms each).
const sizes: Sizes[] = [
  { m: 1, k: 1, n: 1 },
  { m: 1, k: 7, n: 13 },
  { m: 7, k: 5, n: 127 },
  { m: 8, k: 64, n: 128 },
  { m: 9, k: 65, n: 129 },
  { m: 131, k: 3, n: 1 },
  { m: 257, k: 16, n: 10 },
  { m: 3, k: 2003, n: 5 },
];
const booleans = [false, true];

testCases([
  ...sizes.flatMap((size) =>
    booleans.flatMap((transposeA) =>
      booleans.map((transposeB) => gradientCase(size, transposeA, transposeB, size.m % 2 === 1)),
    ),
  ),
  gradientCase({ m: 257, k: 16, n: 10 }, false, true, true),
  gradientCase({ m: 64, k: 512, n: 512 }, false, true, true),
  {
    name: 'matmul of a tensor with itself: the Gram matrix',
    build() {
      const x = sample('x', [33, 20]);
      const c = matmul(x, x, { transposeB: true });
      const [dx] = gradients(c, [x], sample('dc', [33, 33]));
      return { c, dx };
    },
  },
  ...[
    [1, 1],
    [64, 3],
    [65, 1],
    [4099, 7],
  ].map(
    ([rows, columns]): Case => ({
      name: `sum_rows [${rows}, ${columns}]`,
      build: () => ({ y: sumRows(sample('x', [rows, columns])) }),
      tolerance: 4 * 2 ** -23 * Math.sqrt(rows),
    }),
  ),
]);

for (const transposeA of booleans) {
  for (const transposeB of booleans) {
    testGradient(`matmul ${transposeA ? 'Aᵀ' : 'A'} ${transposeB ? 'Bᵀ' : 'B'}`, () => {
      const { c, targets } = product({ m: 5, k: 4, n: 3 }, transposeA, transposeB, true);
      const dy = sample('dc', [5, 3]);
      return { y: c, dy, targets, dx: gradients(c, targets, dy) };
    });
  }
}

it('matmul says which shapes do not fit', () => {
  const a = sample('a', [2, 3]);
  expect(() => trace(() => matmul(a, sample('b', [2, 3])))).toThrow(
    '[matmul] the columns of A must be as many as the rows of B in the product of A and B; got a f32[2, 3] and b f32[2, 3]',
  );
  expect(() => trace(() => matmul(a, sample('b', [3])))).toThrow('[matmul] both inputs must be f32 matrices');
});
