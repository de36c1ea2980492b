import { expect, it } from 'vitest';
import { trace } from '../../src/graph/trace.ts';
import { globalAvgPool } from '../../src/ops/global_avg_pool.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { type Case, sample, testCases, testGradient } from './harness.ts';

const shapes = [
  [1, 1, 1, 1],
  [2, 3, 5, 7],
  [3, 3, 3, 64],
  [5, 1, 7, 65],
  [1, 31, 33, 3],
  [16, 3, 3, 512],
];

const build = (shape: readonly number[]) => {
  const x = sample('x', shape);
  const y = globalAvgPool(x);
  const dy = sample('dy', y.shape);
  return { y, dy, targets: [x], dx: gradients(y, [x], dy) };
};

testCases(
  shapes.map(
    (shape): Case => ({
      name: `[${shape}]`,
      build() {
        const { y, dx } = build(shape);
        return { y, dx: dx[0] };
      },
    }),
  ),
);

testGradient('global_avg_pool', () => build([2, 3, 2, 5]));

it('refuses what is no map', () => {
  expect(() => trace(() => globalAvgPool(sample('x', [4, 5])))).toThrow('[N, H, W, C]');
});
