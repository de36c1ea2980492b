import { expect, it } from 'vitest';
import { labOf, rgbOfLab } from '../../src/data/lab.ts';

// Lindbloom's and others' published values of the primaries.
it.each([
  [
    [1, 0, 0],
    [53.24, 80.09, 67.2],
  ],
  [
    [0, 1, 0],
    [87.73, -86.18, 83.18],
  ],
  [
    [0, 0, 1],
    [32.3, 79.19, -107.86],
  ],
  [
    [1, 1, 1],
    [100, 0, 0],
  ],
  [
    [0, 0, 0],
    [0, 0, 0],
  ],
] as const)('of red, green and blue %s is %s', (rgb, lab) => {
  labOf(rgb).forEach((value, c) => expect(value).toBeCloseTo(lab[c], 1));
});

it('there and back again', () => {
  for (let i = 0; i < 200; i++) {
    const rgb = [(i % 7) / 6, ((i * 5) % 11) / 10, ((i * 3) % 13) / 12] as const;
    rgbOfLab(labOf(rgb)).forEach((value, c) => expect(value).toBeCloseTo(rgb[c], 4));
  }
});

it('what no screen shows is clamped', () => {
  expect(rgbOfLab([50, 200, 0]).every((value) => value >= 0 && value <= 1)).toBe(true);
  expect(rgbOfLab([50, 200, 0])[0]).toBe(1);
});
