import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { residentImages } from '../../src/data/source.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { supCon } from '../../src/losses/sup_con.ts';
import { simclr } from '../../src/methods/simclr.ts';
import { contrastiveLosses } from '../../src/ssl/contrastive.ts';
import { compileTraining } from '../../src/train/learner.ts';
import { adapters } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';
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

  it('a step with the head of SimCLR v2 equals the float64 reference', async () => {
    const state = new State(gpu);
    const v2 = { headDepth: 3, headWidth: 128, headBatchNorm: true, headOutputBatchNorm: true };
    const training = await compileTraining(state, residentImages(state, images), tinySettings(simclr, v2));
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

  it('micro-batches compare the embeddings of the whole batch by it, with the labels of all', async () => {
    const state = new State(gpu);
    const settings = tinySettings(simclr, { loss: 'sup-con', temperature: 0.3, temperatureEnd: 0.5, microBatch: 2 });
    const { step } = await compileTraining(state, residentImages(state, images), settings);
    const indices = Uint32Array.of(3, 16, 0, 7);
    const { loss } = await step.step(indices, { step: 1, epoch: 0 }).read();
    const inputs = step.traced.phases[1].graph.nodes.flatMap((node) => node.inputs);
    const z = inputs.find(({ name }) => name === 'z of the batch')!;
    const rows = (await state.read(z)) as Float32Array<ArrayBuffer>;
    const labels = Uint32Array.from([...indices, ...indices], (image) => images.labels![image]);
    const { graph, result } = trace(() =>
      supCon(constant('z', rows, z.shape), constant('labels', labels), { temperature: 0.3 }),
    );
    expect(loss).toBeCloseTo(interpret(graph).get(result)![0], 4);
    step.destroy();
    state.destroy();
  });
});
