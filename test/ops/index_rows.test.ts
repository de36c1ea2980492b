/** Ops that take, add, find and rank by index. */
import { expect, it } from 'vitest';
import type { Shape } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { argmaxRows } from '../../src/ops/argmax_rows.ts';
import { gatherRows, scatterAddRows } from '../../src/ops/gather_rows.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { rankRows } from '../../src/ops/rank_rows.ts';
import { lowbias32 } from '../values.ts';
import { type Case, noise, sample, testCases, testGradient } from './harness.ts';

/** `count` integers from 0 to `below` − 1 by a formula. */
const integers = (count: number, below: number) =>
  Uint32Array.from({ length: count }, (_, i) => lowbias32(i + 77) % below);
/** Indices into `rows` rows, some of them past the end. */
const indicesOf = (count: number, rows: number) => constant('indices', integers(count, rows + 2));

const gathered = (shape: Shape, count: number, dtype?: 'f16'): Case => ({
  name: `gather_rows and its gradient ${dtype ?? 'f32'} [${shape}], ${count} rows`,
  feature: dtype && 'shader-f16',
  build() {
    const x = sample('x', shape, { dtype });
    const y = gatherRows(x, indicesOf(count, shape[0]));
    const [dx] = gradients(y, [x], sample('dy', y.shape, { dtype }));
    return { y, dx };
  },
});

const scattered = (shape: Shape, rows: number, dtype?: 'f16'): Case => ({
  name: `scatter_add_rows and its gradient ${dtype ?? 'f32'} [${shape}], ${rows} rows`,
  feature: dtype && 'shader-f16',
  build() {
    const x = sample('x', shape, { dtype });
    const y = scatterAddRows(x, indicesOf(shape[0], rows), rows);
    const [dx] = gradients(y, [x], sample('dy', y.shape, { dtype }));
    return { y, dx };
  },
});

const sizes: [Shape, number][] = [
  [[1], 1],
  [[7], 5],
  [[5, 3], 1],
  [[13, 2, 3], 67],
  [[1, 65], 64],
  [[257, 4], 131],
];

/** Rows of few different values, so that there are equal ones; a row of equal ones only. */
const coarse = (rows: number, columns: number) =>
  Float32Array.from(noise(rows * columns, 5), (value, i) => (i < columns ? 1 : Math.round(value * 8)));

const argmax = (rows: number, columns: number, dtype?: 'f16'): Case => ({
  name: `argmax_rows ${dtype ?? 'f32'} [${rows},${columns}]`,
  feature: dtype && 'shader-f16',
  build: () => ({
    y: argmaxRows(sample('x', [rows, columns], { dtype, offset: -2 })),
    first: argmaxRows(constant('coarse', coarse(rows, columns), [rows, columns])),
  }),
  tolerance: 0,
});

const ranks = (rows: number, columns: number): Case => ({
  name: `rank_rows [${rows},${columns}]`,
  build: () => ({
    y: rankRows(sample('x', [rows, columns])),
    stable: rankRows(constant('coarse', coarse(rows, columns), [rows, columns])),
    ofIntegers: rankRows(constant('keys', integers(rows * columns, 2 ** 32), [rows, columns])),
  }),
  tolerance: 0,
});

testCases([
  ...sizes.flatMap(([shape, count]) => [gathered(shape, count), gathered(shape, count, 'f16')]),
  ...sizes.flatMap(([shape, rows]) => [scattered(shape, rows), scattered(shape, rows, 'f16')]),
  {
    name: 'gather_rows of integers',
    build: () => ({ y: gatherRows(constant('x', integers(21, 2 ** 32), [7, 3]), indicesOf(11, 7)) }),
    tolerance: 0,
  },
  ...[
    [1, 1],
    [65, 7],
    [3, 64],
    [5, 65],
    [7, 1031],
    [2, 70_001],
  ].flatMap(([rows, columns]) => [argmax(rows, columns), argmax(rows, columns, 'f16')]),
  ranks(1, 1),
  ranks(65, 2),
  ranks(7, 16),
  ranks(3, 197),
]);

testGradient('gather_rows', () => {
  const x = sample('x', [5, 3]);
  const y = gatherRows(x, indicesOf(9, 5));
  const dy = sample('dy', y.shape);
  return { y, dy, targets: [x], dx: gradients(y, [x], dy) };
});

testGradient('scatter_add_rows', () => {
  const x = sample('x', [9, 3]);
  const y = scatterAddRows(x, indicesOf(9, 5), 5);
  const dy = sample('dy', y.shape);
  return { y, dy, targets: [x], dx: gradients(y, [x], dy) };
});

it('refuses what does not fit', () => {
  const indices = constant('indices', Uint32Array.of(0, 1));
  const refused = (apply: () => unknown) => expect(() => trace(apply));
  refused(() => gatherRows(sample('x', [3]), sample('i', [2]))).toThrow(/\[gather_rows\] indices must be u32/);
  refused(() => scatterAddRows(sample('x', [3]), indices, 4)).toThrow(/\[scatter_add_rows\] .*one index for each row/);
  refused(() => scatterAddRows(sample('x', [2]), indices, 0)).toThrow(/\[scatter_add_rows\] 0 rows/);
  refused(() => argmaxRows(sample('x', [3]))).toThrow(/\[argmax_rows\] .*matrix/);
  refused(() => rankRows(sample('x', [2, 3], { dtype: 'f16' }))).toThrow(/\[rank_rows\] .*f32 or u32/);
});
