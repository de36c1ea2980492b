import { expect, it } from 'vitest';
import { isBalanced, majorityBaseline, recognition } from '../../src/analysis/recognition.ts';

it('accuracy counts images, balanced accuracy counts classes; one without images does not count', () => {
  const labels = [0, 0, 0, 0, 0, 0, 0, 0, 2, 2];
  expect(recognition(new Array(10).fill(0), labels)).toEqual({ accuracy: 0.8, balancedAccuracy: 0.5 });
  expect(recognition([0, 0, 0, 0, 0, 0, 1, 1, 2, 0], labels)).toEqual({ accuracy: 0.7, balancedAccuracy: 0.625 });
  expect(recognition(labels, labels)).toEqual({ accuracy: 1, balancedAccuracy: 1 });
});

it('the baseline answers the most frequent class of train, of equals the first', () => {
  expect(majorityBaseline([1, 1, 0, 2], [0, 1, 1, 2, 2])).toEqual({ label: 1, accuracy: 0.4 });
  expect(majorityBaseline([2, 1, 0], [2, 2])).toEqual({ label: 0, accuracy: 0 });
});

it('classes are balanced when all of them are there equally often', () => {
  expect(isBalanced([0, 1, 2, 2, 1, 0], 3)).toBe(true);
  expect(isBalanced([0, 1, 0, 1], 3)).toBe(false);
  expect(isBalanced([0, 1, 1], 2)).toBe(false);
});
