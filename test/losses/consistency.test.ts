/** UDA's losses: against float64, against sums written out, and what must not have a gradient. */
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { annealedCrossEntropy, annealedThreshold, consistency } from '../../src/losses/consistency.ts';
import { crossEntropy } from '../../src/ops/cross_entropy.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { type Case, noise, sample, testCases, testGradient } from '../ops/harness.ts';
import { interpret, type Values } from '../reference/interpreter.ts';

const labelsOf = (rows: number, classes: number): Tensor =>
  constant(
    'labels',
    Uint32Array.from({ length: rows }, (_, i) => (5 * i + 2) % classes),
  );
const scalar = (name: string, value: number): Tensor => constant(name, Float32Array.of(value), [1]);

testCases(
  [
    { rows: 6, classes: 4, threshold: 0.5 },
    { rows: 70, classes: 10, threshold: 0.3 },
    { rows: 3, classes: 200, threshold: 0 },
  ].map(
    ({ rows, classes, threshold }): Case => ({
      name: `losses and gradients of ${rows} rows, ${classes} classes, threshold ${threshold}`,
      build() {
        const strong = sample('strong', [rows, classes], { scale: 3 });
        const target = sample('target', [rows, classes], { scale: 3 });
        const { loss, confident } = consistency(strong, target, { temperature: 0.4, threshold });
        const annealed = annealedCrossEntropy(strong, labelsOf(rows, classes), scalar('eta', 0.2));
        return {
          ...{ loss, confident, annealed: annealed.loss, counted: annealed.counted },
          dstrong: gradients(loss, [strong])[0],
          dlogits: gradients(annealed.loss, [strong])[0],
        };
      },
      // Differences of logarithms in f32.
      tolerance: 3e-5,
    }),
  ),
);

testGradient('consistency', () => {
  const strong = sample('strong', [7, 5], { scale: 2 });
  const y = consistency(strong, sample('target', [7, 5], { scale: 2 }), { temperature: 0.4, threshold: 0.4 }).loss;
  const dy = sample('dy', [1], { offset: 2 });
  return { y, dy, targets: [strong], dx: gradients(y, [strong], dy) };
});

testGradient('annealed cross-entropy', () => {
  const logits = sample('logits', [7, 5], { scale: 2 });
  const y = annealedCrossEntropy(logits, labelsOf(7, 5), scalar('eta', 0.3)).loss;
  const dy = sample('dy', [1], { offset: 2 });
  return { y, dy, targets: [logits], dx: gradients(y, [logits], dy) };
});

const [rows, classes] = [9, 5];
const s = noise(rows * classes, 1, 3);
const t = noise(rows * classes, 2, 3);
const matrix = (name: string, values: Float32Array) => constant(name, values, [rows, classes]);
const rowsOf = (values: ArrayLike<number>) =>
  Array.from({ length: rows }, (_, i) => Array.from({ length: classes }, (_, k) => values[i * classes + k]));
const softmax = (row: readonly number[]) => {
  const powers = row.map((value) => Math.exp(value));
  return powers.map((power) => power / powers.reduce((a, b) => a + b));
};
function valuesOf<R extends Record<string, Tensor>>(build: () => R): Record<keyof R, Values> {
  const { graph, result } = trace(build);
  const values = interpret(graph);
  return Object.fromEntries(Object.entries(result).map(([name, tensor]) => [name, values.get(tensor)!])) as never;
}
const of = (options: { temperature: number; threshold: number }) =>
  valuesOf(
    () => consistency(matrix('s', s), matrix('t', t), options) as unknown as Record<'loss' | 'confident', Tensor>,
  );

describe('consistency', () => {
  it('is the divergence from sharpened predictions of the photos that are above the threshold, over all photos', () => {
    const [temperature, threshold] = [0.4, 0.55];
    const counts = rowsOf(t).map((row) => Number(Math.max(...softmax(row)) > threshold));
    expect(new Set(counts).size).toBe(2);
    const divergences = rowsOf(t).map((row, i) => {
      const [q, r] = [softmax(row.map((value) => value / temperature)), softmax(rowsOf(s)[i])];
      return q.reduce((sum, value, k) => sum + value * Math.log(value / r[k]), 0);
    });
    const { loss, confident } = of({ temperature, threshold });
    expect(loss[0]).toBeCloseTo(counts.reduce((sum, c, i) => sum + c * divergences[i], 0) / rows, 6);
    expect(confident[0]).toBeCloseTo(counts.reduce((a, b) => a + b) / rows, 12);
  });

  it('is 0 above every probability, also where one is 1; without a threshold all photos count', () => {
    const { loss, confident } = of({ temperature: 0.4, threshold: 1 });
    expect([loss[0], confident[0]]).toEqual([0, 0]);
    const certain = valuesOf(() => {
      const sure = matrix(
        'sure',
        t.map((_, i) => (i % classes === 0 ? 200 : 0)),
      );
      const { loss, confident } = consistency(matrix('s', s), sure, { temperature: 1, threshold: 1 });
      return { loss, confident };
    });
    expect([certain.loss[0], certain.confident[0]]).toEqual([0, 0]);
    expect(of({ temperature: 0.4, threshold: 0 }).confident[0]).toBe(1);
  });

  it('is 0 where both predictions are the same and nothing is sharpened, and more where it is', () => {
    const same = (temperature: number) =>
      valuesOf(() => ({ loss: consistency(matrix('s', s), matrix('t', s), { temperature, threshold: 0 }).loss }))
        .loss[0];
    expect(same(1)).toBeCloseTo(0, 12);
    expect(same(0.4)).toBeGreaterThan(0.01);
  });

  it('gives no gradient to the photos, whose predictions are constants', () => {
    trace(() => {
      const [strong, target] = [sample('strong', [rows, classes]), sample('target', [rows, classes])];
      const { loss } = consistency(strong, target, { temperature: 0.4, threshold: 0 });
      expect(gradients(loss, [strong])[0].shape).toEqual([rows, classes]);
      expect(() => gradients(loss, [target])).toThrow('the loss does not depend on target');
    });
  });

  it('refuses logits of other shapes', () => {
    const build = () => consistency(sample('s', [4, 3]), sample('t', [8, 3]), { temperature: 1, threshold: 0 });
    expect(() => trace(build)).toThrow('[consistency] logits of views and of photos must be [M, K] both');
  });
});

describe('signal annealing', () => {
  it('releases from 1/K to 1: linear, soon (log), late (exp)', () => {
    const at = (annealing: 'linear' | 'log' | 'exp') => [0, 0.5, 1].map((x) => annealedThreshold(annealing, x, 10));
    expect(at('linear')).toEqual([0.1, 0.55, 1]);
    expect(at('log')[0]).toBeCloseTo(0.1, 12);
    expect(at('log')[1]).toBeCloseTo(0.1 + 0.9 * (1 - Math.exp(-2.5)), 12);
    expect(at('log')[2]).toBeCloseTo(0.1 + 0.9 * (1 - Math.exp(-5)), 12);
    expect(at('exp')[0]).toBeCloseTo(0.1 + 0.9 * Math.exp(-5), 12);
    expect(at('exp')[2]).toBeCloseTo(1, 12);
  });

  const annealed = (threshold: number) =>
    valuesOf(() => {
      const [logits, labels] = [matrix('logits', s), labelsOf(rows, classes)];
      const { loss, counted } = annealedCrossEntropy(logits, labels, scalar('eta', threshold));
      return { loss, counted, plain: crossEntropy(logits, labels).loss };
    });

  it('is the mean over images that are not recognised yet: of all at 1, of none at 0', () => {
    const all = annealed(1);
    expect(all.loss[0]).toBeCloseTo(all.plain[0], 10);
    expect(all.counted[0]).toBe(1);
    const none = annealed(0);
    expect([none.loss[0], none.counted[0]].map(Math.abs)).toEqual([0, 0]);
    const own = rowsOf(s).map((row, i) => softmax(row)[(5 * i + 2) % classes]);
    const left = own.filter((p) => p <= 0.2);
    expect(left.length).toBeGreaterThan(0);
    expect(left.length).toBeLessThan(rows);
    const some = annealed(0.2);
    expect(some.loss[0]).toBeCloseTo(left.reduce((sum, p) => sum - Math.log(p), 0) / left.length, 6);
    expect(some.counted[0]).toBeCloseTo(left.length / rows, 12);
  });
});
