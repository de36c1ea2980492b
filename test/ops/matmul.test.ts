import { expect, it } from 'vitest';
import { trace } from '../../src/graph/trace.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { matmul } from '../../src/ops/matmul.ts';
import { sum } from '../../src/ops/reduce.ts';
import { type Case, sample, testCases, testGradient } from './harness.ts';

const order = (transposed: boolean, rows: number, columns: number) => (transposed ? [columns, rows] : [rows, columns]);

interface Sizes {
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

function product(
  { m, k, n }: Sizes,
  transposeA: boolean,
  transposeB: boolean,
  withBias: boolean,
  dtype: 'f32' | 'f16' = 'f32',
) {
  const a = sample('a', order(transposeA, m, k), { dtype });
  const b = sample('b', order(transposeB, k, n), { dtype });
  const bias = withBias ? sample('bias', [n]) : undefined;
  return { c: matmul(a, b, { transposeA, transposeB, bias }), targets: bias ? [a, b, bias] : [a, b] };
}

function gradientCase(
  sizes: Sizes,
  transposeA: boolean,
  transposeB: boolean,
  withBias: boolean,
  dtype: 'f32' | 'f16' = 'f32',
): Case {
  const { m, k, n } = sizes;
  return {
    feature: dtype === 'f16' ? 'shader-f16' : undefined,
    name: `matmul ${dtype} ${m}×${k}×${n}${transposeA ? ' Aᵀ' : ''}${transposeB ? ' Bᵀ' : ''}${withBias ? ' + bias' : ''}`,
    build() {
      const { c, targets } = product(sizes, transposeA, transposeB, withBias, dtype);
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
      name: `sum [${rows}, ${columns}]`,
      build: () => ({ y: sum(sample('x', [rows, columns]), 0) }),
      tolerance: 4 * 2 ** -23 * Math.sqrt(rows),
    }),
  ),
]);

const everyOrder = (make: (transposeA: boolean, transposeB: boolean) => Case): Case[] =>
  booleans.flatMap((transposeA) => booleans.map((transposeB) => make(transposeA, transposeB)));

testCases(everyOrder((a, b) => gradientCase({ m: 9, k: 70, n: 13 }, a, b, a, 'f16')));
// The kernel that runs anywhere, where rows are whole vec4s and the table has another.
testCases(
  everyOrder((a, b) => gradientCase({ m: 8, k: 64, n: 128 }, a, b, b)),
  { variant: 'portable' },
);
// Quads that share loads, of which each order is a pipeline: rows and columns around the tile of 16 × 64 and less than a vec4, sums
// cut into slices, and, where both matrices are given across the sum, sums that are no whole vec4s.
testCases(
  [
    ...everyOrder((a, b) => gradientCase({ m: 20, k: 132, n: 68 }, a, b, b)),
    ...everyOrder((a, b) => gradientCase({ m: 4, k: 8, n: 132 }, a, b, !b)),
    gradientCase({ m: 1, k: 4, n: 1 }, false, true, true),
    gradientCase({ m: 17, k: 12, n: 65 }, false, true, true),
    gradientCase({ m: 65, k: 12, n: 3 }, false, true, true),
    gradientCase({ m: 8, k: 7, n: 12 }, true, false, true),
    gradientCase({ m: 68, k: 131, n: 4 }, true, false, true),
    gradientCase({ m: 8, k: 132, n: 68 }, false, true, true, 'f16'),
  ].map((item) => ({ ...item, feature: item.feature ?? 'subgroups' })),
  { variant: 'subgroup' },
);
// The kernels for GPUs, of which each tile is compiled anew: all orders with the smallest, rows of whole vec4s and not, more than
// one tile and slice; one case with the others.
testCases(
  [
    ...everyOrder((a, b) => gradientCase({ m: 68, k: 136, n: 72 }, a, b, b)),
    ...everyOrder((a, b) => gradientCase({ m: 5, k: 131, n: 66 }, a, b, b)),
    ...everyOrder((a, b) => gradientCase({ m: 8, k: 132, n: 68 }, a, b, b, 'f16')),
    gradientCase({ m: 1, k: 1, n: 1 }, false, false, true),
  ],
  { variant: 'tiled_64x64' },
);
for (const variant of ['tiled_128x128', 'tiled_128x64'])
  testCases([gradientCase({ m: 132, k: 20, n: 136 }, false, true, true)], { variant });

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
