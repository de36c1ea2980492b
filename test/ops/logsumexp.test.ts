import { expect, it } from 'vitest';
import { constant, trace } from '../../src/graph/trace.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { logSumExp } from '../../src/ops/logsumexp.ts';
import { interpret } from '../reference/interpreter.ts';
import { type Case, sample, testCases, testGradient } from './harness.ts';

const axes = [1, 0, undefined] as const;

testCases(
  axes.flatMap((axis) =>
    [
      [3, 7],
      [65, 130],
    ].map(
      (shape): Case => ({
        name: `logsumexp of [${shape}] along ${axis ?? 'all'} and its gradient`,
        build() {
          const x = sample('x', shape, { scale: 20 });
          const y = logSumExp(x, axis);
          return { y, dx: gradients(y, [x], sample('dy', y.shape))[0] };
        },
      }),
    ),
  ),
);

testGradient('logsumexp', () => {
  const x = sample('x', [3, 4]);
  const y = logSumExp(x, 1);
  const dy = sample('dy', [3]);
  return { y, dy, targets: [x], dx: gradients(y, [x], dy) };
});

it('logsumexp of what no exponential holds', () => {
  const { graph, result } = trace(() => logSumExp(constant('x', Float32Array.of(1000, 1000, -1e9, -1000), [2, 2]), 1));
  const [equal, alone] = interpret(graph).get(result)!;
  expect(equal).toBeCloseTo(1000 + Math.log(2), 9);
  expect(alone).toBeCloseTo(-1000, 9);
});
