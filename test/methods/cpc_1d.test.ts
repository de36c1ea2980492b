/** CPC on sequences: its step and its resume, what its settings may be, and that it learns to tell what follows in tones. */
import { describe, expect, it } from 'vitest';
import { batchOf, epochOrder, stepsPerEpoch } from '../../src/data/order.ts';
import { stretchesOf } from '../../src/data/sequences.ts';
import { fedSamples } from '../../src/data/source.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import { cpc1d } from '../../src/methods/cpc_1d.ts';
import { compileTraining } from '../../src/train/learner.ts';
import { tones } from '../data/wav_files.ts';
import { adapters } from '../ops/harness.ts';
import { images, testMethod, tinySettings } from './harness.ts';

const small = { window: 160, strides: '5,4', predictionSteps: 3, contextDim: 16 };
testMethod(cpc1d, small);

describe('settings', () => {
  it.each([
    [
      { window: 60 },
      '--window 60 has 3 codes with --strides 5,4, --prediction-skip 0 and --prediction-steps 3 need 4 or more; use a larger window',
    ],
    [{ window: 16, strides: '9,9' }, '--window 16 has 0 codes with --strides 9,9'],
    [{ predictionSkip: 5 }, '--prediction-skip 5 and --prediction-steps 3 need 9 or more'],
    [{ strides: '5,1' }, '--strides must be whole numbers from 2 to 19 such as 5,4,2,2,2'],
  ] as const)('%o are refused in one line', (given, message) => {
    expect(() => tinySettings(cpc1d, { ...small, ...given })).toThrow(message);
  });

  it('a set of images is a mistake of the program', async () => {
    const gpu = await Gpu.open({ adapter: adapters[0] });
    const compiled = compileTraining(new State(gpu), fedSamples(images), tinySettings(cpc1d, small));
    await expect(compiled).rejects.toThrow('method cpc-1d learns from sequences');
    gpu.destroy();
  });
});

it('the loss of tones falls well below that of guessing', async () => {
  const gpu = await Gpu.open({ adapter: adapters[0] });
  const state = new State(gpu);
  const set = stretchesOf({ name: 'tones', skipped: [] }, tones(16, 320), 160);
  const settings = tinySettings(cpc1d, { ...small, batchSize: 8, epochs: 5, lr: 1e-3 });
  const { step, learner } = await compileTraining(state, fedSamples(set), settings);
  const losses: number[] = [];
  const perEpoch = stepsPerEpoch(set.count, 8);
  for (let number = 1; number <= 5 * perEpoch; number++) {
    const epoch = Math.floor((number - 1) / perEpoch);
    const indices = batchOf(epochOrder(set.count, 1, epoch), (number - 1) % perEpoch, 8);
    losses.push((await step.step(indices, { step: number, epoch }).read()).loss);
  }
  const last = losses.slice(-5).reduce((a, b) => a + b) / 5;
  const { loss: guessed, formula } = learner.chance!;
  expect(formula).toBe('the mean of log(56) … log(40)');
  expect(Math.abs(losses[0] - guessed)).toBeLessThan(1.5);
  expect(last).toBeLessThan(guessed - 1);
  step.destroy();
  state.destroy();
  gpu.destroy();
}, 60_000);
