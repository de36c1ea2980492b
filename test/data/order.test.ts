import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashWords, lowbias32, wordStream } from '../../src/data/hash.ts';
import { batchOf, epochOrder, stepsPerEpoch } from '../../src/data/order.ts';

describe('lowbias32', () => {
  it('is the published function', () => {
    // The five steps of its definition in integers of any size.
    const reference = (x: number): number => {
      const M = 2n ** 32n;
      let v = BigInt(x);
      v ^= v >> 16n;
      v = (v * 0x7feb352dn) % M;
      v ^= v >> 15n;
      v = (v * 0x846ca68bn) % M;
      return Number(v ^ (v >> 16n));
    };
    fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (x) => lowbias32(x) === reference(x)));
  });

  it('tells seeds apart that differ only above bit 31, and the order of words', () => {
    expect(hashWords(1)).not.toBe(hashWords(1 + 2 ** 32));
    expect(hashWords(1, 2)).not.toBe(hashWords(2, 1));
    expect(hashWords(1)).not.toBe(hashWords(1, 0));
    expect(() => hashWords(-1)).toThrow(/-1 is not an integer/);
    expect(() => hashWords(0.5)).toThrow(/0.5/);
  });

  it('gives even bytes: chi-square of 256 bins over 65,536 words stays under its 99.99 % point', () => {
    const word = wordStream(1, 2, 3);
    const bins = new Uint32Array(256);
    for (let i = 0; i < 65536; i++) bins[word(i) & 255]++;
    const chi2 = bins.reduce((sum, n) => sum + (n - 256) ** 2 / 256, 0);
    expect(chi2).toBeLessThan(346.6);
    expect(chi2).toBeGreaterThan(180);
  });
});

describe('epochOrder', () => {
  it('is a permutation that depends on its arguments only', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.maxSafeNat(), fc.nat(), (count, seed, epoch) => {
        const order = epochOrder(count, seed, epoch);
        expect([...order].sort((a, b) => a - b)).toEqual([...Array(count).keys()]);
        expect(epochOrder(count, seed, epoch)).toEqual(order);
      }),
    );
  });

  it('differs between epochs and seeds', () => {
    const orders = [epochOrder(100, 1, 0), epochOrder(100, 1, 1), epochOrder(100, 2, 0)].map(String);
    expect(new Set(orders).size).toBe(3);
  });

  it('draws all 24 orders of 4 images equally often: chi-square under its 99.99 % point', () => {
    const seen = new Map<string, number>();
    const epochs = 24_000;
    for (let epoch = 0; epoch < epochs; epoch++) {
      const key = String(epochOrder(4, 7, epoch));
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    expect(seen.size).toBe(24);
    const chi2 = [...seen.values()].reduce((sum, n) => sum + (n - epochs / 24) ** 2 / (epochs / 24), 0);
    expect(chi2).toBeLessThan(56.5);
  });

  it('leaves the place of an image in one epoch without relation to the next: |correlation| < 4/√n', () => {
    const n = 20_000;
    const [a, b] = [epochOrder(n, 5, 0), epochOrder(n, 5, 1)];
    const mean = (n - 1) / 2;
    let covariance = 0;
    for (let i = 0; i < n; i++) covariance += (a[i] - mean) * (b[i] - mean);
    expect(Math.abs((covariance / (n * (n * n - 1))) * 12)).toBeLessThan(4 / Math.sqrt(n));
  });

  it('is the order that runs were started with: a change would break every resumed run', () => {
    expect([...epochOrder(10, 42, 3)]).toMatchInlineSnapshot(`
      [
        1,
        5,
        6,
        4,
        0,
        7,
        2,
        9,
        8,
        3,
      ]
    `);
  });

  it('refuses counts that are none', () => {
    for (const count of [-1, 1.5, Number.NaN, 2 ** 32]) expect(() => epochOrder(count, 0, 0)).toThrow(/count/);
  });
});

describe('batches', () => {
  it('are whole, in order, and drop the rest', () => {
    const order = epochOrder(10, 1, 1);
    expect(stepsPerEpoch(10, 4)).toBe(2);
    expect([...batchOf(order, 0, 4), ...batchOf(order, 1, 4)]).toEqual([...order.subarray(0, 8)]);
    expect(() => batchOf(order, 2, 4)).toThrow('step 2 of an epoch of 2 steps (10 images in batches of 4)');
  });
});
