import { describe, expect, it } from 'vitest';
import { kMeans } from '../../src/analysis/kmeans.ts';
import { knnAccuracy, nearestOthers, nearestRows, pairsAbove, vote, voteOfNearest } from '../../src/analysis/knn.ts';
import { adjustedRandIndex, contingency } from '../../src/analysis/partition.ts';
import { State } from '../../src/graph/state.ts';
import { noise, onEveryAdapter } from '../ops/harness.ts';
import { f32, sklearn } from './values.ts';

describe('k-means', () => {
  const { x, dimensions, clusters, inertia, assignment } = sklearn.kmeans;
  const options = { clusters, restarts: 10, iterations: 300, seed: 3 };

  it('finds scikit-learn’s clusters and inertia', () => {
    const found = kMeans(f32(x), dimensions, options);
    expect(found.inertia / inertia).toBeCloseTo(1, 5);
    expect(adjustedRandIndex(contingency(assignment, found.assignment))).toBe(1);
    expect(kMeans(f32(x), dimensions, options)).toEqual(found);
  });

  it('as many clusters as rows, all rows equal, one cluster', () => {
    const rows = f32([0, 0, 1, 0, 0, 1, 5, 5]);
    expect(kMeans(rows, 2, { ...options, clusters: 4 }).inertia).toBe(0);
    expect(kMeans(new Float32Array(8).fill(2), 2, { ...options, clusters: 3 }).inertia).toBe(0);
    expect([...kMeans(rows, 2, { ...options, clusters: 1 }).centres]).toEqual([1.5, 1.5]);
    expect(() => kMeans(rows, 2, { ...options, clusters: 5 })).toThrow(
      'k-means: 5 clusters for 4 images; choose 1 to 4 clusters',
    );
  });
});

describe('nearest neighbours', () => {
  const { x, labels, dimensions, test, cases } = sklearn.knn;

  onEveryAdapter((gpu) => {
    it('scikit-learn’s predictions for every k and temperature', async () => {
      const state = new State(gpu());
      const neighbours = await nearestRows(state, f32(x), f32(test), dimensions, 40);
      for (const { k, temperature, predicted } of cases) {
        expect([...voteOfNearest(neighbours, labels, { k, temperature })], `k ${k}`).toEqual(predicted);
        const train = { features: f32(x), labels };
        const right = { features: f32(test), labels: predicted };
        expect(await knnAccuracy(state, train, right, dimensions, { k, temperature })).toBe(1);
      }
      expect(neighbours.similarities.subarray(0, 40)).toEqual(neighbours.similarities.slice(0, 40).sort().reverse());
      await expect(nearestRows(state, f32(x), f32(test), dimensions, 41)).rejects.toThrow(
        '41 neighbours among 40 images: choose 1 to 40',
      );
      state.destroy();
    });
  });

  onEveryAdapter((gpu) => {
    it('of the other rows, in blocks: those of loops in float64, of equals the earlier', async () => {
      const state = new State(gpu());
      const [count, d, k] = [300, 5, 4];
      const rows = noise(count * d, 8);
      rows.copyWithin(20 * d, 10 * d, 11 * d); // rows 10 and 20 are equal
      const unit = Array.from({ length: count }, (_, i) => {
        const row = [...rows.subarray(i * d, (i + 1) * d)];
        return row.map((value) => value / Math.hypot(...row));
      });
      const wanted = unit.map((row, i) => {
        const similar = unit.map((other, j) => [row.reduce((sum, value, c) => sum + value * other[c], 0), j] as const);
        const others = similar.filter(([, j]) => j !== i).sort(([a, i], [b, j]) => b - a || i - j);
        return others.slice(0, k).map(([, j]) => j);
      });
      for (const blocks of [{}, { blockRows: 7, mostBanked: 128 }])
        expect([...(await nearestOthers(state, rows, d, k, blocks))]).toEqual(wanted.flat());
      const pairs = unit.flatMap((row, i) =>
        unit.flatMap((other, j) => {
          const cosine = row.reduce((sum, value, c) => sum + value * other[c], 0);
          return i < j && cosine > 0.95 ? [`${i} ${j}`] : [];
        }),
      );
      for (const blocks of [{}, { blockRows: 7, mostBanked: 128 }]) {
        const found: string[] = [];
        await pairsAbove(state, rows, d, 0.95, (i, j) => found.push(`${i} ${j}`), blocks);
        expect(found.sort()).toEqual(pairs.toSorted());
        expect(found).toContain('10 20');
      }
      const equal = new Float32Array(6 * d).fill(0.5); // none has itself among the first three
      expect([...(await nearestOthers(state, equal, d, 2, { blockRows: 4, mostBanked: 4 }))]).toEqual([
        1, 2, 0, 2, 0, 1, 0, 1, 0, 1, 0, 1,
      ]);
      await expect(nearestOthers(state, equal, d, 6)).rejects.toThrow('7 neighbours among 6 images: choose 1 to 6');
      state.destroy();
      gpu().trim();
    });
  });

  it('of equals the earlier row counts, and the nearer class', () => {
    expect(vote(f32([0.5, 0.9, 0.9]), [0, 1, 2], 1, 0.07)).toBe(1);
    expect(vote(f32([0.5, 0.5, 0.5]), [2, 1, 0], 3, 0.07)).toBe(2);
    expect(vote(f32([0.9, 0.89, 0.89]), [0, 1, 1], 3, 1)).toBe(1);
  });
});
