import { expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { trace, variable } from '../../src/graph/trace.ts';
import { splitBrain } from '../../src/methods/split_brain.ts';
import { makeEncoder } from '../../src/nn/encoders.ts';
import type { LabHalvesEncoder } from '../../src/nn/lab_encoders.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { mean } from '../../src/ops/reduce.ts';
import { StepFeeds } from '../../src/ssl/feeds.ts';
import { learnerOf } from '../../src/train/learner.ts';
import { noise } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';
import { testMethod, tinySettings } from './harness.ts';

testMethod(splitBrain, { decoderWidth: 8, stem: 'cifar' });

it('an encoder without halves is refused in one line', () => {
  const refused = () => tinySettings(splitBrain, { input: 'lightness' });
  expect(refused).toThrow(UserError);
  expect(refused).toThrow('there are no halves to predict each other; use --input lab-halves');
  expect(() => tinySettings(splitBrain, { architecture: 'dcgan' })).toThrow('use --architecture resnet18');
});

it('no gradient passes from one half to the other: each loss depends on its own half and decoder', () => {
  const settings = tinySettings(splitBrain, { decoderWidth: 8, stem: 'cifar' });
  const { groups } = learnerOf(settings, { count: 17, classes: 0 });
  const names = groups.flatMap(({ modules }) => modules.flatMap((module) => module.parameters));
  const of = (prefix: string) =>
    names.filter(({ tensor }) => tensor.name.startsWith(prefix)).map(({ tensor }) => tensor);
  expect(of('lightness/').length).toBeGreaterThan(0);
  expect(of('lightness/').length).toBe(of('color/').length);
  const learner = learnerOf(settings, { count: 17, classes: 0 });
  const own = learner.groups[0].modules.flatMap((module) => module.parameters).map(({ tensor }) => tensor);
  const start = (prefix: string) => own.filter(({ name }) => name.startsWith(prefix));
  for (const [loss, half, other] of [
    ['abLoss', 'lightness/', 'color/'],
    ['lightnessLoss', 'color/', 'lightness/'],
  ]) {
    trace(() => {
      const views = variable('views', [4, 16, 16, 4], () => noise(4096));
      const { log } = learner.step([views], new StepFeeds(4));
      expect(gradients(log![loss], start(half)).length).toBe(start(half).length);
      for (const tensor of start(other))
        expect(() => gradients(log![loss], [tensor]), tensor.name).toThrow('does not depend on');
    });
  }
});

it('the halves see L and a, b alone, and their features lie side by side', () => {
  const encoder = makeEncoder({ ...shape, seed: 1 }) as LabHalvesEncoder;
  const colour = (rgb: readonly number[]) => Float32Array.from({ length: 4 * 64 }, (_, i) => rgb[i % 4] ?? 0);
  const features = (rgb: readonly number[]) => {
    const { graph, result } = trace(() => {
      const x = variable('x', [1, 8, 8, 4], () => colour(rgb));
      return encoder.forward(x, { training: false });
    });
    return [...interpret(graph).get(result)!];
  };
  const half = encoder.dimensions / 2;
  expect(encoder.lightness.dimensions).toBe(half);
  const [grey, lighter] = [features([0.3, 0.3, 0.3]), features([0.7, 0.7, 0.7])];
  const distance = (a: readonly number[], b: readonly number[]) => Math.max(...a.map((v, i) => Math.abs(v - b[i])));
  expect(distance(grey.slice(0, half), lighter.slice(0, half))).toBeGreaterThan(1e-3);
  expect(distance(grey.slice(half), lighter.slice(half))).toBeLessThan(1e-3);
});

const shape = { architecture: 'resnet18', stem: 'cifar', width: 0.25, input: 'lab-halves', normalize: 'none' } as const;

it('the mean over features of a half has no gradient in the other', () => {
  const encoder = makeEncoder({ ...shape, seed: 1 }) as LabHalvesEncoder;
  trace(() => {
    const x = variable('x', [2, 8, 8, 4], () => noise(512));
    const loss = mean(encoder.color.forward(x, { training: true }));
    const { tensor } = encoder.lightness.parameters[0];
    expect(() => gradients(loss, [tensor])).toThrow('does not depend on');
  });
});
