/** Measures of features that need no labels, on features whose values are known. */
import { describe, expect, it } from 'vitest';
import { alignment, spread, uniformity } from '../../src/analysis/alignment.ts';
import { effectiveRank, eigenvalues, singularValues } from '../../src/analysis/spectrum.ts';
import { noise } from '../ops/harness.ts';

/** A = Q diag(values) Qᵀ with Q a product of reflections. */
function symmetric(values: readonly number[]): Float64Array {
  const n = values.length;
  let a = Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? values[i / (n + 1)] : 0));
  for (const seed of [1, 2, 3]) {
    const v = noise(n, seed);
    const square = v.reduce((sum, value) => sum + value * value, 0);
    const q = (i: number, j: number) => (i === j ? 1 : 0) - (2 * v[i] * v[j]) / square;
    const times = (x: Float64Array, f: (i: number, j: number, k: number) => number) =>
      x.map((_, at) => {
        const [i, j] = [Math.floor(at / n), at % n];
        let sum = 0;
        for (let k = 0; k < n; k++) sum += f(i, j, k);
        return sum;
      });
    const left = times(a, (i, j, k) => q(i, k) * a[k * n + j]);
    a = times(left, (i, j, k) => left[i * n + k] * q(k, j));
  }
  return a;
}

describe('eigenvalues', () => {
  it.each([
    [[3]],
    [[5, -2]],
    [[7, 7, 7, 1]],
    [[9, 4, 1, 0.25, 0, 0, -3]],
    [Array.from({ length: 40 }, (_, i) => 2 ** (-i / 2))],
  ])('of a matrix that was made of %j', async (values) => {
    const n = values.length;
    const found = await eigenvalues(symmetric(values), n);
    const sorted = values.toSorted((a, b) => b - a);
    found.forEach((value, i) => expect(value).toBeCloseTo(sorted[i], 10));
  });

  it('of a diagonal matrix are its diagonal', async () => {
    expect([...(await eigenvalues(Float64Array.of(1, 0, 0, 0, 3, 0, 0, 0, 2), 3))].map(Math.round)).toEqual([3, 2, 1]);
  });

  it('are not sought any further when the signal is aborted', async () => {
    const n = 70;
    await expect(eigenvalues(symmetric(new Array(n).fill(1)), n, AbortSignal.abort('stopped'))).rejects.toBe('stopped');
  });
});

describe('effective rank', () => {
  /** Rows along the axes, each as often and as long as wanted. */
  const axes = (lengths: readonly number[]) => {
    const d = lengths.length;
    return Float32Array.from({ length: d * d }, (_, i) => (i % (d + 1) === 0 ? lengths[i / (d + 1)] : 0));
  };

  it('is the number of directions where all are used alike', async () => {
    expect(await effectiveRank(axes([2, 2, 2, 2]), 4)).toBeCloseTo(4, 4);
    expect(await effectiveRank(axes([2, 2, 0, 0]), 4)).toBeCloseTo(2, 4);
    expect(await effectiveRank(new Float32Array(12).fill(3), 4)).toBeCloseTo(1, 4);
    expect(await effectiveRank(new Float32Array(12), 4)).toBe(0);
  });

  it('is the exponential of the entropy of the shares of the singular values', async () => {
    expect([...(await singularValues(axes([3, 1]), 2))].map((value) => Number(value.toFixed(9)))).toEqual([3, 1]);
    const entropy = -(0.75 * Math.log(0.75) + 0.25 * Math.log(0.25));
    expect(await effectiveRank(axes([3, 1]), 2)).toBeCloseTo(Math.exp(entropy), 4);
  });
});

/** Rows X = U diag(values) Vᵀ, U and V of orthogonal columns: those of discrete cosine transforms. */
function ofSpectrum(values: readonly number[], rows: number, dimensions: number): Float32Array {
  const cosine = (n: number, i: number, k: number) =>
    Math.sqrt((k === 0 ? 1 : 2) / n) * Math.cos((Math.PI * (2 * i + 1) * k) / (2 * n));
  return Float32Array.from({ length: rows * dimensions }, (_, at) => {
    const [i, j] = [Math.floor(at / dimensions), at % dimensions];
    return values.reduce((sum, value, k) => sum + value * cosine(rows, i, k) * cosine(dimensions, j, k), 0);
  });
}

describe('effective rank of rows made of known singular values', () => {
  const falling = Array.from({ length: 24 }, (_, k) => 10 * 0.8 ** k);
  it.each([
    ['more rows than dimensions', falling, 60, 24],
    ['more rows, few directions', [5, 3, 3, 0.01], 60, 24],
    ['more dimensions than rows', falling.slice(0, 12), 12, 40],
    ['one direction', [7], 30, 16],
    ['values of very different sizes', [1e3, 1, 1e-3, 1e-4], 50, 20],
  ])('%s', async (_, values, rows, dimensions) => {
    const x = ofSpectrum(values, rows, dimensions);
    const found = await singularValues(x, dimensions);
    const relative = (k: number) => Math.abs(found[k] - (values[k] ?? 0)) / values[0];
    for (let k = 0; k < dimensions; k++) expect(relative(k), `value ${k}`).toBeLessThan(1e-6);
    // As the paper has it: over as many values as the smaller side of the matrix, 10⁻⁷ added to each share.
    const total = values.reduce((a, b) => a + b);
    const p = Array.from({ length: Math.min(rows, dimensions) }, (_, k) => (values[k] ?? 0) / total + 1e-7);
    const expected = Math.exp(-p.reduce((sum, share) => sum + share * Math.log(share), 0));
    expect(Math.abs((await effectiveRank(x, dimensions)) / expected - 1)).toBeLessThan(1e-4);
  });

  it('does not change when features are turned, or all of them are longer', async () => {
    const values = [4, 2, 1, 0.5];
    const one = await effectiveRank(ofSpectrum(values, 20, 8), 8);
    const longer = ofSpectrum(
      values.map((value) => 100 * value),
      20,
      8,
    );
    expect(await effectiveRank(longer, 8)).toBeCloseTo(one, 4);
    const [c, s] = [Math.cos(1), Math.sin(1)];
    const turned = ofSpectrum(values, 20, 8);
    for (let row = 0; row < 160; row += 8) {
      const [a, b] = [turned[row], turned[row + 5]];
      [turned[row], turned[row + 5]] = [c * a - s * b, s * a + c * b];
    }
    expect(await effectiveRank(turned, 8)).toBeCloseTo(one, 4);
  });
});

describe('alignment, uniformity, spread', () => {
  const same = Float32Array.of(1, 0, 1, 0, 1, 0);
  const crossed = Float32Array.of(1, 0, 0, 1, -1, 0);

  it('of features that are all equal are 0', async () => {
    expect(alignment(same, same, 2)).toBe(0);
    expect(await uniformity(same, 2)).toBe(0);
    expect(spread(same, 2)).toBe(0);
  });

  it('are means over images, and over pairs of different images', async () => {
    // Squared distances 0, 2 and 4; of the pairs of `crossed` 2, 4 and 2.
    expect(alignment(same, crossed, 2)).toBeCloseTo(2, 6);
    expect(await uniformity(crossed, 2)).toBeCloseTo(Math.log((2 * Math.exp(-4) + Math.exp(-8)) / 3), 6);
  });

  it('spread is 1 where unit vectors point everywhere', () => {
    expect(spread(Float32Array.of(1, 0, -1, 0, 0, 1, 0, -1), 2)).toBeCloseTo(1, 6);
  });

  it.each([3, 10, 65])('of %i axes, and of a regular simplex, are what geometry says', async (n) => {
    const axes = new Float32Array(n * n);
    for (let i = 0; i < n; i++) axes[i * n + i] = 1;
    expect(await uniformity(axes, n)).toBeCloseTo(-4, 6); // all squared distances are 2
    expect(spread(axes, n)).toBeCloseTo(Math.sqrt((n - 1) / n), 6);
    // Axes less their mean, at length one: all cosines are −1 / (n − 1).
    const length = Math.sqrt((n - 1) / n);
    const simplex = axes.map((value) => (value - 1 / n) / length);
    expect(await uniformity(simplex, n)).toBeCloseTo((-4 * n) / (n - 1), 5);
  });

  it.each([0, 0.3, Math.PI / 2, Math.PI])('of views that are an angle of %d apart', (angle) => {
    const onCircle = (from: number) =>
      Float32Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? Math.cos : Math.sin)((i >> 1) + from));
    expect(alignment(onCircle(0), onCircle(angle), 2)).toBeCloseTo(2 - 2 * Math.cos(angle), 6);
  });
});
