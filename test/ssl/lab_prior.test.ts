import { expect, it } from 'vitest';
import type { ImageSet } from '../../src/data/images.ts';
import { labOf } from '../../src/data/lab.ts';
import { abBins, lightnessBins } from '../../src/ssl/lab_bins.ts';
import { labPriors } from '../../src/ssl/lab_prior.ts';

const quantities = [
  { bins: abBins(), value: ([, a, b]: readonly number[]) => [a, b] },
  { bins: lightnessBins(), value: ([L]: readonly number[]) => [L] },
];

/** Images of one colour each. */
const flat = (colours: readonly (readonly [number, number, number])[]): ImageSet => ({
  ...{ name: 'flat', count: colours.length, height: 8, width: 8, skipped: [] },
  read: (i, target, offset) => {
    for (let k = 0; k < 192; k++) target[offset + k] = colours[i][k % 3];
  },
});

it('shares of bins add up to 1, leave none without, and are those of the images', () => {
  const set = flat([
    [128, 128, 128],
    [128, 128, 128],
    [128, 128, 128],
    [255, 0, 0],
  ]);
  const [ab, L] = labPriors(set, 4, quantities);
  for (const shares of [ab, L]) {
    expect(shares.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    expect(Math.min(...shares)).toBeGreaterThan(0);
  }
  const near = (colour: readonly [number, number, number]) => {
    const [, a, b] = labOf(colour);
    const { centers, count } = quantities[0].bins;
    let sum = 0;
    for (let q = 0; q < count; q++) if (Math.hypot(centers[2 * q] - a, centers[2 * q + 1] - b) < 16) sum += ab[q];
    return sum;
  };
  expect(near([128 / 255, 128 / 255, 128 / 255])).toBeCloseTo(0.75, 2);
  expect(near([1, 0, 0])).toBeCloseTo(0.25, 2);
});
