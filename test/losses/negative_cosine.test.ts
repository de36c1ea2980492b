import { expect, it } from 'vitest';
import { constant, trace, variable } from '../../src/graph/trace.ts';
import { negativeCosine } from '../../src/losses/negative_cosine.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { type Case, sample, testCases, testGradient } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';

testCases(
  [
    [1, 1],
    [1, 7],
    [5, 64],
    [33, 65],
  ].map(
    (shape): Case => ({
      name: `loss and gradient [${shape}]`,
      build() {
        const [p, z] = [sample('p', shape), sample('z', shape, { offset: 0.5 })];
        const loss = negativeCosine(p, z);
        // The only direction of a row of one number is its sign: there is no gradient, but what rounding leaves.
        return { loss, ...(shape[1] > 1 && { dp: gradients(loss, [p])[0] }) };
      },
    }),
  ),
);

testGradient('negative cosine', () => {
  const [p, z] = [sample('p', [4, 5]), sample('z', [4, 5])];
  const y = negativeCosine(p, z);
  const dy = sample('dy', [1]);
  return { y, dy, targets: [p], dx: gradients(y, [p], dy) };
});

it('no gradient reaches the target, of which the prediction is made', () => {
  const build = () => {
    const z = variable('z', [3, 4], () => new Float32Array(12).fill(1));
    return gradients(negativeCosine(sample('p', [3, 4]), z), [z]);
  };
  expect(() => trace(build)).toThrow('the loss does not depend on z');
});

it('of equal rows it is −1, of opposite ones 1, of others between', () => {
  const value = (p: readonly number[], z: readonly number[]): number => {
    const row = (name: string, values: readonly number[]) => constant(name, Float32Array.from(values), [1, 3]);
    const { graph, result } = trace(() => negativeCosine(row('p', p), row('z', z)));
    return interpret(graph).get(result)![0];
  };
  expect(value([1, 2, 3], [2, 4, 6])).toBeCloseTo(-1, 12);
  expect(value([1, 2, 3], [-1, -2, -3])).toBeCloseTo(1, 12);
  expect(value([1, 0, 0], [1, 1, 0])).toBeCloseTo(-Math.SQRT1_2, 7);
});
