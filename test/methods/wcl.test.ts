import { beforeAll, describe, expect, it } from 'vitest';
import type { ImageSet } from '../../src/data/images.ts';
import { residentImages } from '../../src/data/source.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import { wcl } from '../../src/methods/wcl.ts';
import { nearestImages, sameImages } from '../../src/ssl/neighbors.ts';
import { compileTraining, type Training } from '../../src/train/learner.ts';
import type { GivenSettings } from '../../src/train/settings.ts';
import { adapters } from '../ops/harness.ts';
import { beginFirstEpoch, expectStepOfReference, images, testMethod, tinySettings } from './harness.ts';

/** Of two epochs the second has small crops of neighbours. */
const sizes = { neighbors: 3, neighborWarmup: 1, smallCrops: 2, headWidth: 32, embeddingDim: 16 };
testMethod(wcl, sizes);

describe('the images of small crops', () => {
  const context = {
    ...{ epoch: 0, images: { ...images, count: 3 }, features: async () => Float32Array.of(1, 2, 3) },
    nearest: async (features: Float32Array, k: number) => {
      expect([...features, k]).toEqual([1, 2, 3, 2]);
      return Uint32Array.of(1, 2, 2, 0, 0, 1);
    },
    clustersOf: () => Uint32Array.of(0, 0, 0),
    centresOf: () => Float32Array.of(),
    before: {},
  };

  it('are the image itself, or its nearest others; where there are fewer these stand there again', async () => {
    expect([...sameImages(2, context)]).toEqual([0, 0, 1, 1, 2, 2]);
    expect([...(await nearestImages(2, context))]).toEqual([1, 2, 2, 0, 0, 1]);
    expect([...(await nearestImages(3, context))]).toEqual([1, 2, 1, 2, 0, 2, 0, 1, 0]);
  });
});

describe('a step', () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await Gpu.open({ adapter: adapters[0] });
    return () => gpu.destroy();
  });

  async function withTraining(
    given: GivenSettings,
    set: ImageSet,
    use: (training: Training, state: State) => Promise<void>,
  ): Promise<void> {
    const state = new State(gpu);
    const settings = tinySettings(wcl, { ...sizes, ...given });
    const training = await compileTraining(state, residentImages(state, set), settings);
    await beginFirstEpoch(state, training);
    await use(training, state);
    training.step.destroy();
    state.destroy();
  }
  const run = ({ step }: Training) => step.step(Uint32Array.of(3, 16, 0, 7), { step: 1, epoch: 0 }).read();

  it('on crops of neighbours equals the float64 reference, and differs from one on crops of the images', async () => {
    const losses: number[] = [];
    for (const neighborWarmup of [0, 1])
      await withTraining({ neighborWarmup }, images, async (training, state) => {
        const table = training.step.epochData['neighbors'];
        expect(table.length).toBe(17 * 3);
        table.forEach((other, i) => expect(other === Math.floor(i / 3)).toBe(neighborWarmup === 1));
        if (neighborWarmup === 0) await expectStepOfReference(state, training);
        losses.push((await run(training)).loss);
      });
    expect(Math.abs(losses[0] - losses[1])).toBeGreaterThan(1e-3);
  });

  it('has two heads of their own; true classes are logged and change nothing', async () => {
    const values: { loss: number; metrics: object }[] = [];
    for (const set of [images, { ...images, labels: undefined }] as ImageSet[])
      await withTraining({ smallCrops: 0 }, set, async (training, state) => {
        expect(training.step.epochData).toEqual({});
        const [, g, phi] = training.learner.groups[0].modules.map(({ parameters }) => parameters[0].tensor);
        const before = [await state.read(g), await state.read(phi)];
        expect(before[0]).not.toEqual(before[1]);
        values.push(await run(training));
        for (const [i, head] of [g, phi].entries()) expect(await state.read(head)).not.toEqual(before[i]);
      });
    expect(values[0].loss).toBe(values[1].loss);
    const names = ['accuracy', 'components', 'embeddingStd'];
    expect(Object.keys(values[1].metrics).sort()).toEqual(names);
    expect(Object.keys(values[0].metrics).sort()).toEqual(
      [...names, 'falseNegativesJoined', 'purity', 'shuffledPurity'].sort(),
    );
  });

  it('in micro-batches has the graph of the whole batch', async () => {
    await withTraining({ microBatch: 2 }, images, async (training) => {
      const { loss, metrics, firstNonFinite } = await run(training);
      expect([Number.isFinite(loss), firstNonFinite]).toEqual([true, 0]);
      expect(metrics['components']).toBeGreaterThanOrEqual(1);
      expect(metrics['components']).toBeLessThanOrEqual(2); // of four images, each with another one at least
      expect(metrics['purity']).toBeGreaterThan(0);
    });
  });
});
