import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { residentImages } from '../../src/data/source.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import { readSafetensors } from '../../src/io/safetensors.ts';
import { exemplarCnn } from '../../src/methods/exemplar_cnn.ts';
import { compileTraining } from '../../src/train/learner.ts';
import { adapters } from '../ops/harness.ts';
import { expectExactResume, expectStepOfReference, images, testMethod, tinySettings } from './harness.ts';

testMethod(exemplarCnn);

it('without batch norm before the classifier, a step equals the float64 reference too', async () => {
  const gpu = await Gpu.open({ adapter: adapters[0] });
  const state = new State(gpu);
  const settings = tinySettings(exemplarCnn, { classifierBatchNorm: false });
  const training = await compileTraining(state, residentImages(state, images), settings);
  const modules = training.learner.groups.flatMap((group) => group.modules);
  const names = modules.flatMap((module) => module.buffers.map(({ tensor }) => tensor.name));
  expect(names.filter((name) => name.startsWith('classifier'))).toEqual([]);
  await expectStepOfReference(state, training);
  training.step.destroy();
  state.destroy();
  gpu.destroy();
});

describe('with clusters as classes', () => {
  const root = mkdtempSync(join(tmpdir(), 'simclr-clusters-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it('they are found once, kept in all checkpoints, and resumed with', async () => {
    const gpu = await Gpu.open({ adapter: adapters[0] });
    const settings = tinySettings(exemplarCnn, { clusters: 3, figureEvery: 10, knnEvery: 0 });
    const { folder } = await expectExactResume(root, gpu, settings);
    const kept = folder
      .checkpointSteps()
      .filter((step) => step > 0)
      .map((step) => readSafetensors(folder.checkpointFile(step)).tensors.get('epoch.cluster')!);
    expect(kept.length).toBeGreaterThan(5); // of both epochs
    const { dtype, shape, data } = kept[0];
    expect({ dtype, shape, classes: new Set(data as Uint32Array).size }).toEqual({
      dtype: 'U32',
      shape: [17],
      classes: 3,
    });
    for (const other of kept) expect(other.data).toEqual(data);
    gpu.destroy();
  });
});
