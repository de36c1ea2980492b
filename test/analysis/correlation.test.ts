/** Correlations beside those that SciPy documents for spearmanr and pearsonr, and beside their definitions. */
import { describe, expect, it } from 'vitest';
import { correlationInterval, pearson, ranks, spearman } from '../../src/analysis/correlation.ts';

describe('ranks', () => {
  it('of equal values are the mean of theirs', () => {
    expect([...ranks([10, 20, 10, 30, 20, 20])]).toEqual([1.5, 4, 1.5, 6, 4, 4]);
    expect([...ranks([3, 3, 3])]).toEqual([2, 2, 2]);
    expect([...ranks([])]).toEqual([]);
  });
});

describe('correlations', () => {
  const [x, y] = [
    [0, 0, 1, 2.5, 2.5, 4, 5, 5],
    [0.1, 0.3, 0.2, 0.2, 0.6, 0.5, 0.9, 0.9],
  ];

  it('of ties are those of mean ranks', () => {
    // Ranks 1.5 1.5 3 4.5 4.5 6 7.5 7.5 and 1 4 2.5 2.5 6 5 7.5 7.5: products of deviations 33.75, squares 40.5 and 41.
    expect(spearman(x, y)).toBeCloseTo(33.75 / Math.sqrt(40.5 * 41), 12);
    expect(spearman([1, 2, 3, 4, 5], [5, 6, 7, 8, 7])).toBeCloseTo(0.8207826816681233, 12);
  });

  it('of values are Pearson’s, and know no scale', () => {
    expect(pearson([1, 2, 3, 4, 5], [10, 9, 2.5, 6, 4])).toBeCloseTo(-0.7426106572325056, 12);
    expect(
      pearson(
        x,
        x.map((value) => 7 - 2 * value),
      ),
    ).toBeCloseTo(-1, 12);
    expect(
      spearman(
        x,
        x.map((value) => value ** 3),
      ),
    ).toBeCloseTo(1, 12);
  });

  it('are NaN where nothing varies, and need lists of one length', () => {
    expect([pearson([1, 1, 1], [1, 2, 3]), spearman([1, 2, 3], [4, 4, 4])]).toEqual([Number.NaN, Number.NaN]);
    expect(() => pearson([1], [1, 2])).toThrow('lists of 1 and of 2 numbers');
  });
});

describe('intervals', () => {
  it('are Fisher’s of Pearson’s r, wider for Spearman’s ρ, narrower for more pairs', () => {
    const [low, high] = correlationInterval(0.5, 103, 'pearson');
    // artanh 0.5 = 0.5493, ± 1.96 / 10.
    expect([low, high]).toEqual([expect.closeTo(0.33931, 4), expect.closeTo(0.63234, 4)]);
    const wider = correlationInterval(0.5, 103, 'spearman');
    expect(wider[0]).toBeLessThan(low);
    expect(wider[1]).toBeGreaterThan(high);
    expect(correlationInterval(0.5, 1003, 'pearson')[0]).toBeGreaterThan(low);
  });

  it('of few pairs say nothing, of a perfect correlation are it', () => {
    expect(correlationInterval(0.9, 3, 'pearson')).toEqual([-1, 1]);
    expect(correlationInterval(1, 9, 'spearman')).toEqual([1, 1]);
  });
});
