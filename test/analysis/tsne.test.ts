import { describe, expect, it } from 'vitest';
import { accuracyOf } from '../../src/analysis/logistic.ts';
import { firstComponents } from '../../src/analysis/pca.ts';
import { tsne } from '../../src/analysis/tsne.ts';
import { State } from '../../src/graph/state.ts';
import { noise, onEveryAdapter } from '../ops/harness.ts';
import { f32, sklearn } from './values.ts';

describe('principal components', () => {
  it('are the long axes of a stretched cloud, the longest first', () => {
    const [rows, dimensions] = [200, 5];
    const x = noise(rows * dimensions, 7).map((value, i) => value * [0.1, 9, 0.2, 3, 0.1][i % dimensions] + 5);
    const y = firstComponents(x, dimensions);
    const column = (values: ArrayLike<number>, width: number, c: number) =>
      Array.from({ length: rows }, (_, i) => values[i * width + c]);
    const correlation = (a: number[], b: number[]) => {
      const mean = (v: number[]) => v.reduce((s, w) => s + w) / rows;
      const [ma, mb] = [mean(a), mean(b)];
      const product = (u: number[], mu: number, v: number[], mv: number) =>
        u.reduce((s, w, i) => s + (w - mu) * (v[i] - mv), 0);
      return product(a, ma, b, mb) / Math.sqrt(product(a, ma, a, ma) * product(b, mb, b, mb));
    };
    expect(correlation(column(y, 2, 0), column(x, dimensions, 1))).toBeGreaterThan(0.999);
    expect(correlation(column(y, 2, 1), column(x, dimensions, 3))).toBeGreaterThan(0.99);
    expect(Math.abs(correlation(column(y, 2, 0), column(y, 2, 1)))).toBeLessThan(1e-9);
  });

  it('of points that are all equal are zero', () => {
    expect([...firstComponents(new Float32Array(12).fill(3), 3)]).toEqual(new Array(8).fill(0));
  });
});

/** Share of points whose nearest other point has their class. */
function neighbourAccuracy(y: ArrayLike<number>, labels: readonly number[]): number {
  const nearest = labels.map((_, i) => {
    const distance = (j: number) => (j === i ? 1e30 : (y[2 * i] - y[2 * j]) ** 2 + (y[2 * i + 1] - y[2 * j + 1]) ** 2);
    return labels.reduce((best, _label, j) => (distance(j) < distance(best) ? j : best), i === 0 ? 1 : 0);
  });
  return accuracyOf(
    nearest.map((j) => labels[j]),
    labels,
  );
}

const { x, labels, dimensions, perplexity, init, rate, iterations, finalKl, embedding } = sklearn.tsne;

onEveryAdapter((gpu) => {
  it('comes to as small a divergence as scikit-learn, with the classes apart, and the same twice', async () => {
    const state = new State(gpu());
    const seen: number[] = [];
    const options = { perplexity, iterations, rate, start: f32(init), onProgress: (at: number) => seen.push(at) };
    const found = await tsne(state, f32(x), dimensions, options);
    // A descent of so few points is chaotic: a start moved by 1e-6 changes scikit-learn's own end by up to 15 %.
    expect(found.kl).toBeLessThan(finalKl * 1.3);
    expect(found.kl).toBeGreaterThan(finalKl * 0.7);
    expect(found.history.at(-1)).toEqual({ iteration: iterations, kl: found.kl });
    expect(neighbourAccuracy(found.coordinates, labels)).toBeGreaterThanOrEqual(
      neighbourAccuracy(embedding, labels) - 0.03,
    );
    expect(seen).toEqual([50, 100, 150, 200, 250, 300, 350, 400, 450, 500]);
    const [sumX, sumY] = [0, 1].map((c) => found.coordinates.reduce((s, v, i) => (i % 2 === c ? s + v : s), 0));
    expect(Math.abs(sumX) + Math.abs(sumY)).toBeLessThan(1e-2);
    expect((await tsne(state, f32(x), dimensions, options)).coordinates).toEqual(found.coordinates);
    const own = await tsne(state, f32(x), dimensions, { perplexity, iterations, rate });
    expect(own.kl).toBeLessThan(finalKl * 1.3);
    state.destroy();
  });

  it('says which perplexities are possible', async () => {
    const state = new State(gpu());
    await expect(tsne(state, f32(x), dimensions)).rejects.toThrow(
      't-SNE: perplexity 30 is not suitable for 36 points; use 1 to 11',
    );
    state.destroy();
  });
});
