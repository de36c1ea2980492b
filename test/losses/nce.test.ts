import { expect, it } from 'vitest';
import type { Tensor } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { nce } from '../../src/losses/nce.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { type Case, sample, testCases, testGradient } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';

const densities = (count: number, samples: number) => ({
  logPData: sample('log_p_data', [count], { scale: 3 }),
  logQData: sample('log_q_data', [count], { scale: 3 }),
  logPNoise: sample('log_p_noise', [count, samples], { scale: 3 }),
  logQNoise: sample('log_q_noise', [count, samples], { scale: 3 }),
});

testCases(
  [
    [1, 1],
    [7, 3],
    [65, 17],
  ].map(
    ([count, samples]): Case => ({
      name: `loss and gradients, ${count} data with ${samples} samples of noise each`,
      build() {
        const given = densities(count, samples);
        const loss = nce(given);
        const [dData, dNoise] = gradients(loss, [given.logPData, given.logPNoise]);
        return { loss, dData, dNoise };
      },
    }),
  ),
);

testGradient('NCE', () => {
  const given = densities(3, 2);
  const y = nce(given);
  const dy = sample('dy', [1], { offset: 2 });
  const targets = [given.logPData, given.logPNoise];
  return { y, dy, targets, dx: gradients(y, targets, dy) };
});

const value = (build: () => Tensor): number => {
  const { graph, result } = trace(build);
  return interpret(graph).get(result)![0];
};

it('a model that is the noise, with one sample each, is at chance: 2 log 2', () => {
  const same = (shape: number[]) => constant('log density', new Float32Array(5).fill(-3), shape);
  const loss = () =>
    nce({ logPData: same([5]), logQData: same([5]), logPNoise: same([5, 1]), logQNoise: same([5, 1]) });
  expect(value(loss)).toBeCloseTo(2 * Math.LN2, 12);
});

it('refuses densities of other numbers of points', () => {
  const { logPNoise, ...others } = densities(4, 2);
  expect(() => trace(() => nce({ ...others, logPNoise: sample('p', [5, 2]) }))).toThrow('[nce] ');
  expect(() => trace(() => nce({ ...others, logPNoise, logQData: sample('q', [3]) }))).toThrow('[nce] ');
});
