import { expect, it } from 'vitest';
import { constant, trace } from '../../src/graph/trace.ts';
import { annealedMean, binnedEntropy, binTargets, entropyOfGuess, rarityWeights } from '../../src/losses/binned.ts';
import { mul } from '../../src/ops/binary.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { sum } from '../../src/ops/reduce.ts';
import { log } from '../../src/ops/unary.ts';
import { abBins } from '../../src/ssl/lab_bins.ts';
import { sample, testCases, testGradient } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';

const centers = Float32Array.of(0, 0, 10, 0, 20, 0, 0, 10, -10, 10);
const shares = Float32Array.of(0.7, 0.1, 0.1, 0.05, 0.05);

function lossOf(rows: number) {
  const logits = sample('logits', [rows, 5], { scale: 3, seed: 5 });
  const targets = binTargets(sample('values', [rows, 2], { scale: 15, seed: 6 }), centers, 5);
  const weights = rarityWeights(constant('shares', shares), 0.5);
  return { logits, targets, weights, loss: binnedEntropy(logits, targets, weights) };
}

testCases(
  [1, 7, 65].map((rows) => ({
    name: `binned entropy of ${rows} values and its gradient`,
    build() {
      const { logits, loss, targets } = lossOf(rows);
      return { loss, ...targets, dlogits: gradients(loss, [logits])[0] };
    },
  })),
);

testGradient('binned entropy', () => {
  const { logits, loss } = lossOf(6);
  const dy = sample('dy', [1], { offset: 2 });
  return { y: loss, dy, targets: [logits], dx: gradients(loss, [logits], dy) };
});

const values = <T extends object>(build: () => T) => {
  const { graph, result } = trace(build);
  const all = interpret(graph);
  return Object.fromEntries(Object.entries(result).map(([name, tensor]) => [name, [...all.get(tensor)!]]));
};

it('shares are Gaussian in the distance, and add up to 1', () => {
  const value = [4, 3];
  const { of, nearest } = values(() => {
    const { shares, nearest } = binTargets(constant('v', Float32Array.from(value), [1, 2]), centers, 5);
    return { of: shares, nearest };
  });
  const distance = (q: number) => (centers[2 * q] - value[0]) ** 2 + (centers[2 * q + 1] - value[1]) ** 2;
  const raw = [0, 1, 2, 3, 4].map((q) => Math.exp(-distance(q) / 50));
  const total = raw.reduce((a, b) => a + b);
  of.forEach((share, q) => expect(share).toBeCloseTo(raw[q] / total, 6));
  expect(nearest).toEqual([0]);
});

it('in the middle of the grid the five nearest bins have 95 % of a value', () => {
  const { of } = values(() => ({
    of: binTargets(constant('v', new Float32Array(2), [1, 2]), abBins().centers, 5).shares,
  }));
  const nearest = of.toSorted((a, b) => b - a).slice(0, 5);
  expect(nearest.reduce((a, b) => a + b)).toBeGreaterThan(0.95);
  expect(nearest.reduce((a, b) => a + b)).toBeLessThan(0.97);
});

it('weights are those of the paper: the mean weight of a value is 1, and λ = 1 makes all of them 1', () => {
  for (const uniform of [0.25, 0.5, 1]) {
    const { weights, mean } = values(() => {
      const p = constant('shares', shares);
      const weights = rarityWeights(p, uniform);
      return { weights, mean: sum(mul(p, weights)) };
    });
    expect(mean[0]).toBeCloseTo(1, 6);
    const raw = [...shares].map((p) => 1 / ((1 - uniform) * p + uniform / 5));
    weights.forEach((weight, q) => expect(weight / weights[0]).toBeCloseTo(raw[q] / raw[0], 5));
    if (uniform === 1) for (const weight of weights) expect(weight).toBeCloseTo(1, 6);
  }
});

it('the entropy of a guess is that of logits which are the same for all values', () => {
  const { guess, loss } = values(() => {
    const { targets, weights } = lossOf(9);
    const same = log(constant('shares', shares));
    const rows = constant(
      'rows',
      Float32Array.from({ length: 45 }, (_, i) => Math.log(shares[i % 5])),
      [9, 5],
    );
    return { guess: entropyOfGuess(targets, same, weights), loss: binnedEntropy(rows, targets, weights) };
  });
  expect(guess[0]).toBeCloseTo(loss[0], 6);
});

it('the annealed mean goes from the mean of the bins to the likeliest', () => {
  const at = (temperature: number) =>
    values(() => ({
      mean: annealedMean(
        constant('logits', Float32Array.of(2, 1, 0, 0, 0), [1, 5]),
        constant('centers', centers, [5, 2]),
        temperature,
      ),
    })).mean;
  expect(at(0.01)[0]).toBeCloseTo(0, 6);
  expect(at(1)[0]).toBeGreaterThan(at(0.38)[0]);
  expect(at(1000)[0]).toBeCloseTo(4, 1); // all alike: (0 + 10 + 20 + 0 − 10) / 5
});
