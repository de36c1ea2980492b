import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { residentImages } from '../../src/data/source.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import { simclr } from '../../src/methods/simclr.ts';
import { contrastiveLosses } from '../../src/ssl/contrastive.ts';
import { compileTraining } from '../../src/train/learner.ts';
import { adapters } from '../ops/harness.ts';
import { expectExactResume, expectStepOfReference, images, testMethod, tinySettings } from './harness.ts';

testMethod(simclr);

describe('with another loss', () => {
  const root = mkdtempSync(join(tmpdir(), 'simclr-losses-'));
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await Gpu.open({ adapter: adapters[0] });
    return () => gpu.destroy();
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it.each(Object.keys(contrastiveLosses))('a step of --loss %s equals the float64 reference', async (loss) => {
    const state = new State(gpu);
    const training = await compileTraining(state, residentImages(state, images), tinySettings(simclr, { loss }));
    await expectStepOfReference(state, training);
    training.step.destroy();
    state.destroy();
    gpu.trim();
  });

  it.each([
    ['a temperature that is scheduled', { loss: 'hard-negative', temperatureEnd: 0.5 }],
    ['further positives from the second epoch on', { positives: 1, positivesAfter: 1 }],
    ['labels', { loss: 'sup-con' }],
  ])('%s: a run that is stopped after every step is bit for bit the run that is not', async (name, given) => {
    const { step } = await expectExactResume(join(root, name), gpu, tinySettings(simclr, given));
    expect(step).toBe(8);
  });

  it('micro-batches compare the whole batch by it too', async () => {
    const losses: number[] = [];
    for (const microBatch of [0, 2]) {
      const state = new State(gpu);
      const settings = tinySettings(simclr, { loss: 'sup-con', temperatureEnd: 0.5, microBatch, stem: 'cifar' });
      const { step } = await compileTraining(state, residentImages(state, images), settings);
      losses.push((await step.step(Uint32Array.of(3, 16, 0, 7), { step: 1, epoch: 0 }).read()).loss);
      step.destroy();
      state.destroy();
    }
    // Batch norm has statistics of two images in place of four.
    expect(Math.abs(losses[1] - losses[0])).toBeLessThan(0.5);
  });
});
