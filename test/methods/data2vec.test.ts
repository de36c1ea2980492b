/** data2vec: the step and its resume, and what must hold of what is hidden, told and followed. */
import { describe, expect, it } from 'vitest';
import { constant, trace } from '../../src/graph/trace.ts';
import { data2vec } from '../../src/methods/data2vec.ts';
import { Vit } from '../../src/nn/vit.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { StepFeeds } from '../../src/ssl/feeds.ts';
import { keptEntries } from '../../src/ssl/method.ts';
import { trainedGroups } from '../../src/ssl/trace_step.ts';
import { learnerOf } from '../../src/train/learner.ts';
import { noise } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';
import { testMethod, tinySettings } from './harness.ts';

testMethod(data2vec, { patch: 4, cropMin: 0.5, targetBlocks: 3 });

describe('settings', () => {
  it('are the paper’s: 60 % hidden in rectangles, six blocks, β = 2, τ from 0.999 to 0.9999', () => {
    expect(tinySettings(data2vec)).toMatchObject({
      ...{ architecture: 'vit_tiny', maskRatio: 0.6, sampling: 'block', targetBlocks: 6, beta: 2 },
      ...{ emaMomentum: 0.999, emaMomentumEnd: 0.9999 },
    });
  });

  it.each([
    [
      { architecture: 'resnet18' },
      'method data2vec: --architecture must be a vision transformer, such as vit_tiny, not',
    ],
    [{ input: 'lightness' }, 'method data2vec: --input must be rgb, not lightness, as patches are hidden'],
  ] as const)('%o are refused in one line', (given, message) => {
    expect(() => tinySettings(data2vec, given)).toThrow(message);
  });
});

describe('a step', () => {
  const settings = tinySettings(data2vec, { patch: 4, targetBlocks: 3 });
  const views = () => constant('views', noise(4 * 16 * 16 * 4, 3), [4, 16, 16, 4]);

  it('nothing of the teacher gets a gradient; student, predictor and mask token do', () => {
    const learner = learnerOf(settings, { count: 17, classes: 0 });
    const of = (tensor: Parameters<typeof gradients>[1][number]) =>
      trace(() => gradients(learner.step([views()], new StepFeeds(4)).losses[0][1](), [tensor]));
    trainedGroups(learner, settings); // lays the weights into flat variables, which the average is taken of
    for (const { tensor } of keptEntries(learner.kept!['teacher']).slice(0, 3))
      expect(() => of(tensor)).toThrow('the loss does not depend on');
    for (const { parameters } of learner.groups[0].modules) expect(() => of(parameters[0].tensor)).not.toThrow();
    const names = learner.groups[0].modules.flatMap(({ parameters }) => parameters.map(({ tensor }) => tensor.name));
    expect(names).toEqual(expect.arrayContaining(['mask.token', 'predictor.weight', 'cls_token']));
  });

  it('τ rises linearly', () => {
    const learner = learnerOf(settings, { count: 17, classes: 0 });
    trainedGroups(learner, settings);
    const feeds = new StepFeeds(4);
    trace(() => learner.step([views()], feeds).after!(constant('made', Uint32Array.of(1)), {}));
    const rate = (step: number) => {
      const time = { seed: 1, step, epoch: 0, steps: 8, perEpoch: 4, first: 0, indices: Uint32Array.of(0, 1, 2, 3) };
      return (feeds.values(time)['ema rate'] as Float32Array)[0];
    };
    expect(rate(1)).toBeCloseTo(0.001, 7);
    expect(rate(5)).toBeCloseTo((0.001 + 0.0001) / 2, 7);
    expect(rate(9)).toBeCloseTo(0.0001, 7);
  });
});

it('a vision transformer gives the output of every block; the last one, normalised, is what it gives otherwise', () => {
  const encoder = new Vit({ architecture: 'vit_tiny', width: 0.25, patch: 4, grid: 2, positions: 'learned', seed: 1 });
  const { graph, result } = trace(() => {
    const x = constant('x', noise(2 * 8 * 8 * 4, 3), [2, 8, 8, 4]);
    const [outputs, tokens] = [encoder.blockOutputs(x, { training: false }), encoder.tokens(x, { training: false })];
    return { outputs, ...tokens };
  });
  const values = interpret(graph);
  expect(result.outputs.map(({ shape }) => shape.join())).toEqual(new Array(12).fill('2,5,48'));
  const last = values.get(result.outputs[11])!;
  const normalised = (row: number) => {
    const own = [...last.slice(48 * row, 48 * row + 48)];
    const mean = own.reduce((a, b) => a + b) / 48;
    const variance = own.reduce((a, b) => a + (b - mean) ** 2, 0) / 48;
    return own.map((value) => (value - mean) / Math.sqrt(variance + 1e-6));
  };
  // Row 0 of an image is its class token.
  const expectRow = (actual: ArrayLike<number>, at: number, row: number) =>
    normalised(row).forEach((value, d) => expect(actual[48 * at + d]).toBeCloseTo(value, 5));
  for (const image of [0, 1]) {
    expectRow(values.get(result.features)!, image, 5 * image);
    for (let patch = 0; patch < 4; patch++)
      expectRow(values.get(result.patches)!, 4 * image + patch, 5 * image + 1 + patch);
  }
});
