import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assign } from '../../src/analysis/hungarian.ts';
import {
  adjustedRandIndex,
  contingency,
  matchClusters,
  matchedAccuracy,
  normalizedMutualInformation,
} from '../../src/analysis/partition.ts';
import { sklearn } from './values.ts';

const total = (cost: ArrayLike<number>, columns: number, found: ArrayLike<number>): number =>
  Array.from(found).reduce((sum, column, row) => sum + cost[row * columns + column], 0);

/** The least cost over all ways to give each row a column of its own. */
function bruteForce(cost: readonly number[], rows: number, columns: number, row = 0, used = 0): number {
  if (row === rows) return 0;
  let best = Number.POSITIVE_INFINITY;
  for (let column = 0; column < columns; column++) {
    if (used & (1 << column)) continue;
    best = Math.min(
      best,
      cost[row * columns + column] + bruteForce(cost, rows, columns, row + 1, used | (1 << column)),
    );
  }
  return best;
}

describe('assign', () => {
  it.each(
    sklearn.assignment as { rows: number; columns: number; cost: number[]; assignment: number[]; total: number }[],
  )('$rows×$columns: SciPy’s assignment', ({ rows, columns, cost, assignment, total: expected }) => {
    const found = assign(cost, rows, columns);
    expect([...found]).toEqual(assignment);
    expect(total(cost, columns, found)).toBeCloseTo(expected, 10);
  });

  it('finds the least cost of all permutations, up to 7 × 7, negative costs and ties too', () => {
    const matrices = fc.integer({ min: 1, max: 7 }).chain((columns) =>
      fc.integer({ min: 1, max: columns }).chain((rows) =>
        fc.record({
          rows: fc.constant(rows),
          columns: fc.constant(columns),
          cost: fc.array(fc.integer({ min: -9, max: 9 }), { minLength: rows * columns, maxLength: rows * columns }),
        }),
      ),
    );
    fc.assert(
      fc.property(matrices, ({ rows, columns, cost }) => {
        const found = assign(cost, rows, columns);
        expect(new Set(found).size).toBe(rows);
        expect(total(cost, columns, found)).toBe(bruteForce(cost, rows, columns));
      }),
      { numRuns: 150, seed: 1 },
    );
  });

  it('refuses more rows than columns', () => expect(() => assign([1, 2], 2, 1)).toThrow(RangeError));
});

describe('NMI, ARI and matched accuracy', () => {
  it.each(sklearn.partitions as { labels: number[]; clusters: number[]; nmi: number; ari: number }[])(
    'scikit-learn’s values (NMI $nmi)',
    ({ labels, clusters, nmi, ari }) => {
      const table = contingency(labels, clusters);
      expect(normalizedMutualInformation(table)).toBeCloseTo(nmi, 10);
      expect(adjustedRandIndex(table)).toBeCloseTo(ari, 10);
    },
  );

  const labelled = fc.array(fc.tuple(fc.nat(4), fc.nat(5)), { minLength: 2, maxLength: 40 });

  it('do not change when clusters are renamed, nor when classes and clusters change places', () => {
    fc.assert(
      fc.property(labelled, fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 }), (pairs, names) => {
        const [labels, clusters] = [pairs.map(([a]) => a), pairs.map(([, b]) => b)];
        const [plain, renamed, turned] = [
          contingency(labels, clusters),
          contingency(
            labels,
            clusters.map((cluster) => names[cluster]),
          ),
          contingency(clusters, labels),
        ];
        for (const measure of [normalizedMutualInformation, adjustedRandIndex]) {
          expect(measure(renamed)).toBeCloseTo(measure(plain), 10);
          expect(measure(turned)).toBeCloseTo(measure(plain), 10);
        }
        expect(matchedAccuracy(renamed, matchClusters(renamed))).toBeCloseTo(
          matchedAccuracy(plain, matchClusters(plain)),
          10,
        );
      }),
      { numRuns: 100, seed: 2 },
    );
  });

  it('are 1 for equal partitions under other names', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(4), { minLength: 2, maxLength: 40 }), (labels) => {
        const table = contingency(
          labels,
          labels.map((label) => 4 - label),
        );
        expect(normalizedMutualInformation(table)).toBeCloseTo(1, 10);
        expect(adjustedRandIndex(table)).toBeCloseTo(1, 10);
        expect(matchedAccuracy(table, matchClusters(table))).toBe(1);
      }),
      { numRuns: 60, seed: 3 },
    );
  });

  it('clusters left over where there are more of them than classes count as wrong', () => {
    const table = contingency([0, 0, 0, 1, 1], [0, 0, 2, 1, 1]);
    const match = matchClusters(table);
    expect([...match]).toEqual([0, 1, -1]);
    expect(matchedAccuracy(table, match)).toBeCloseTo(0.8, 12);
  });
});
