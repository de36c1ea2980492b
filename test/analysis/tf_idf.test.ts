import { expect, it } from 'vitest';
import { tfIdfCosines } from '../../src/analysis/tf_idf.ts';

it('is 1 of the same words in any order and case, 0 of none in common or none at all', () => {
  const found = tfIdfCosines([
    ['The cat, the hat', 'the hat the CAT'],
    ['a dog', 'one fish'],
    ['!', '!'],
  ]);
  expect([...found]).toEqual([expect.closeTo(1, 12), 0, 0]);
});

it('weighs rare words more: log((1 + n) / (1 + n_w)) + 1', () => {
  const [common, rare] = tfIdfCosines([
    ['the cat', 'the dog'],
    ['the zebra', 'a zebra'],
    ['the end', 'the sun'],
  ]);
  // Of 6 texts 5 have "the", 2 "zebra", and one each of the others.
  const [the, zebra, one] = [5, 2, 1].map((having) => Math.log(7 / (1 + having)) + 1);
  expect(common).toBeCloseTo(the ** 2 / (the ** 2 + one ** 2), 12);
  expect(rare).toBeCloseTo(zebra ** 2 / Math.sqrt((the ** 2 + zebra ** 2) * (one ** 2 + zebra ** 2)), 12);
});
