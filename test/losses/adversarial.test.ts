import { expect, it } from 'vitest';
import type { Tensor } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { discriminatorLoss, generatorLoss, takenForReal } from '../../src/losses/adversarial.ts';
import { bceWithLogits } from '../../src/losses/bce_with_logits.ts';
import { add } from '../../src/ops/add.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { sample, testCases, testGradient } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';

const rows = (name: string, values: readonly number[]) => constant(name, Float32Array.from(values), [values.length, 1]);

const value = (build: () => Tensor): number => {
  const { graph, result } = trace(build);
  return interpret(graph).get(result)![0];
};

testCases([
  {
    name: 'losses of a discriminator and a generator, and their gradients',
    build() {
      const [real, fake] = [sample('real', [7, 1], { scale: 4 }), sample('fake', [5, 1], { scale: 4 })];
      const d = discriminatorLoss(real, fake);
      const g = generatorLoss(fake);
      const [dreal, dfake] = gradients(d.loss, [real, fake]);
      return { ...d, g, dreal, dfake, dg: gradients(g, [fake])[0] };
    },
  },
]);

testGradient('discriminator and generator', () => {
  const targets = [sample('real', [3, 1], { scale: 2, seed: 2 }), sample('fake', [3, 1], { scale: 2, seed: 3 })];
  const y = add(discriminatorLoss(targets[0], targets[1]).loss, generatorLoss(targets[1]));
  const dy = sample('dloss', [1], { offset: 3 });
  return { y, dy, targets, dx: gradients(y, targets, dy) };
});

it('a blind discriminator has a loss of 2 log 2, its generator one of log 2', () => {
  const zeros = () => rows('zeros', [0, 0, 0]);
  expect(value(() => discriminatorLoss(zeros(), zeros()).loss)).toBeCloseTo(2 * Math.LN2, 12);
  expect(value(() => generatorLoss(zeros()))).toBeCloseTo(Math.LN2, 12);
});

it('they are binary cross-entropies with targets of 1 and 0', () => {
  const [real, fake] = [
    [2, -1, 30],
    [-3, 0.5, -40],
  ];
  const bce = (logits: number[], target: number) => () =>
    bceWithLogits(rows('x', logits), rows('t', [target, target, target]));
  const wanted = value(bce(real, 1)) + value(bce(fake, 0));
  expect(value(() => discriminatorLoss(rows('r', real), rows('f', fake)).loss)).toBeCloseTo(wanted, 9);
  expect(value(() => generatorLoss(rows('f', fake)))).toBeCloseTo(value(bce(fake, 1)), 9);
});

it('a generator that the discriminator sees through still has a gradient', () => {
  const { graph, result } = trace(() => {
    const fake = rows('fake', [-30]);
    return gradients(generatorLoss(fake), [fake])[0];
  });
  expect(interpret(graph).get(result)![0]).toBeCloseTo(-1, 9);
});

it('what is taken for real has a logit above 0, and half of what has 0', () => {
  expect(value(() => takenForReal(rows('logits', [2, -1, 0, 1e-3, -5])))).toBeCloseTo(2.5 / 5, 12);
});
