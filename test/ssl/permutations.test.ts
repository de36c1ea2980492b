import { describe, expect, it } from 'vitest';
import {
  affinePermutations,
  allPermutations,
  greedyPermutations,
  hammingDistance,
} from '../../src/ssl/permutations.ts';

/** The least and the mean distance of two of a set. */
function distances(set: readonly number[][]) {
  const all = set.flatMap((a, i) => set.slice(0, i).map((b) => hammingDistance(a, b)));
  return { least: Math.min(...all), mean: all.reduce((sum, d) => sum + d, 0) / all.length };
}

const expectPermutations = (set: readonly number[][], tiles: number): void => {
  for (const p of set) expect(p.toSorted((a, b) => a - b)).toEqual(Array.from({ length: tiles }, (_, i) => i));
  expect(new Set(set.map(String)).size).toBe(set.length);
  expect(set[0]).toEqual(Array.from({ length: tiles }, (_, i) => i));
};

describe('sets of permutations', () => {
  it('all are in lexicographic order', () => {
    expect(allPermutations(3).map((p) => p.join(''))).toEqual(['012', '021', '102', '120', '201', '210']);
    expect(allPermutations(9)).toHaveLength(362_880);
  });

  it('affine: 72 of which two differ in 8 places at least, a group whose shifts have no place in common', () => {
    const set = affinePermutations();
    expect(set).toHaveLength(72);
    expectPermutations(set, 9);
    // A group acts on pairs of tiles as one: 8 · 9 of distance 9 to each (its shifts), 63 of distance 8.
    expect(distances(set)).toEqual({ least: 8, mean: (8 * 9 + 63 * 8) / 71 });
    expect(distances(set.slice(0, 9))).toEqual({ least: 9, mean: 9 });
    const known = new Set(set.map(String));
    for (const a of set) for (const b of set) expect(known.has(String(b.map((x) => a[x])))).toBe(true);
  });

  it('by the largest least distance: 7 of 64, by the largest sum: 2', () => {
    const far = greedyPermutations(9, 64, 'minimum');
    expectPermutations(far, 9);
    expect(distances(far).least).toBe(7);
    const paper = greedyPermutations(9, 64, 'sum');
    expectPermutations(paper, 9);
    expect(distances(paper).least).toBe(2);
    expect(distances(paper).mean).toBeCloseTo(8.125, 4);
  });

  it('of four tiles there are 24, however many are asked for', () => {
    for (const by of ['sum', 'minimum'] as const) expectPermutations(greedyPermutations(4, 99, by), 4);
    expect(greedyPermutations(4, 99, 'minimum')).toHaveLength(24);
  });
});
