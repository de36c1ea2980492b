import { expect, it } from 'vitest';
import type { Shape } from '../../src/graph/tensor.ts';
import { constant, trace, variable } from '../../src/graph/trace.ts';
import { indexCopy, narrow } from '../../src/ops/narrow.ts';
import { interpret } from '../reference/interpreter.ts';
import { type Case, sample, testCases } from './harness.ts';

const from = (first: number) => constant('first', Uint32Array.of(first));

const flag = (made: number) => constant('made', Uint32Array.of(made));

/** Parts, rows of the whole, first row, rows of the range, further axes; ranges inside, at both ends, whole, and past the end. */
const ranges: [number, number, number, number, Shape][] = [
  [2, 16, 2, 4, [5]],
  [2, 16, 0, 8, [4]],
  [1, 7, 6, 1, [1]],
  [3, 15, 3, 2, [33]],
  [2, 66, 31, 2, [65]],
  [2, 10, 3, 4, [3]],
  [2, 6, 0, 1, [2, 3, 2]],
  [1, 1, 0, 1, []],
];
const title = ([parts, rows, first, count, more]: (typeof ranges)[number]) =>
  `${count} rows from ${first} of ${parts} parts of [${[rows, ...more]}]`;

testCases([
  ...ranges.map(
    (range): Case => ({
      name: `reads ${title(range)}`,
      build() {
        const [parts, rows, first, count, more] = range;
        return { y: narrow(sample('x', [rows, ...more]), from(first), { parts, rows: count }) };
      },
      tolerance: 0,
    }),
  ),
  ...ranges.map((range): Case => {
    const [parts, rows, first, count, more] = range;
    const target = sample('target', [rows, ...more]);
    return {
      name: `writes ${title(range)}, the others keep their values`,
      build() {
        indexCopy(target, sample('x', [parts * count, ...more]), from(first), { parts });
        return {};
      },
      updated: () => ({ target }),
      tolerance: 0,
    };
  }),
  ...[
    [3, 0, 6],
    [5, 9, 1, 7, 0xffffffff],
  ].flatMap((rows) =>
    [0, 1].map((made): Case => {
      const target = sample('target', [7, 3, 5]);
      return {
        name: `writes rows [${rows}] of 7, those that there are, where made is ${made}`,
        build() {
          const at = constant('rows', Uint32Array.from(rows));
          indexCopy(target, sample('x', [rows.length, 3, 5]), at, { made: flag(made) });
          return {};
        },
        updated: () => ({ target }),
        tolerance: 0,
      };
    }),
  ),
  ...[0, 1, 2].map((made): Case => {
    const target = sample('target', [6, 5]);
    return {
      name: `writes ${made === 0 ? 'nothing' : 'rows'} where made is ${made}`,
      build() {
        indexCopy(target, sample('x', [2, 5]), from(1), { parts: 2, made: flag(made) });
        return {};
      },
      updated: () => ({ target }),
      tolerance: 0,
    };
  }),
]);

it('in the reference, what is written where made is 0 is what was there', () => {
  const written = (made: number): number[] => {
    const target = variable('target', [3], () => Float32Array.of(1, 2, 3));
    const x = constant('x', Float32Array.of(7));
    const { graph } = trace(() => indexCopy(target, x, from(1), { made: flag(made) }));
    return [...interpret(graph).get(target)!];
  };
  expect([0, 1].map(written)).toEqual([
    [1, 2, 3],
    [1, 7, 3],
  ]);
});

const traced = (build: () => unknown) => () => trace(build);

it.each([
  ['rows that are not parts of equal length', () => narrow(sample('x', [5, 2]), from(0), { parts: 2, rows: 1 })],
  ['a range longer than a part', () => narrow(sample('x', [6, 2]), from(0), { parts: 2, rows: 4 })],
  ['other columns', () => indexCopy(sample('x', [6, 2]), sample('y', [2, 3]), from(0), { parts: 2 })],
  [
    'rows of another number than those that are written',
    () => indexCopy(sample('x', [6, 2]), sample('y', [2, 2]), constant('rows', Uint32Array.of(1, 2, 3))),
  ],
  [
    'rows in parts',
    () => indexCopy(sample('x', [6, 2]), sample('y', [2, 2]), constant('rows', Uint32Array.of(1, 2)), { parts: 2 }),
  ],
  [
    'a flag in floating point',
    () => indexCopy(sample('x', [6]), sample('y', [2]), from(0), { made: sample('m', [1]) }),
  ],
  ['a first row in floating point', () => narrow(sample('x', [6, 2]), sample('first', [1]), { parts: 2, rows: 1 })],
])('refuses %s', (_name, build) => {
  expect(traced(build)).toThrow(/^\[(narrow|index_copy)\] /);
});
