import { expect } from 'vitest';
import { greedyPermutations, hammingDistance } from '../../src/ssl/permutations.ts';
import type { GoldenCheck } from './harness.ts';

/** Host work: the same on every device. */
const check: GoldenCheck = async (file) => {
  const [count] = file.get('count').data;
  const { data } = file.get('permutations');
  const made = greedyPermutations(file.number('tiles'), count, 'sum');
  expect(made.flat()).toEqual([...data]);
  const distances = made.flatMap((a, i) => made.slice(0, i).map((b) => hammingDistance(a, b)));
  expect(Math.min(...distances)).toBe(file.number('hamming_min'));
  expect(distances.reduce((sum, d) => sum + d, 0) / distances.length).toBeCloseTo(file.number('hamming_mean'), 4);
  return undefined;
};

export default check;
