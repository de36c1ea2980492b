/** A step that several processes share: what one process does in pieces, or at once, and the same on all of them. */
import { expect, it, vi } from 'vitest';
import { residentImages } from '../../src/data/source.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import type { Data } from '../../src/graph/tensor.ts';
import { methodNamed } from '../../src/methods/index.ts';
import type { Communicator } from '../../src/mpi/communicator.ts';
import { keptEntries } from '../../src/ssl/method.ts';
import { trainedParameters } from '../../src/ssl/step.ts';
import type { StepValues } from '../../src/ssl/training_step.ts';
import { compileTraining, type Training } from '../../src/train/learner.ts';
import { checkSameWeights } from '../../src/train/same_weights.ts';
import type { GivenSettings } from '../../src/train/settings.ts';
import { images, tinySettings } from '../methods/harness.ts';
import { localRanks, onAll } from '../mpi/local_ranks.ts';
import { onEveryAdapter, relativeError } from '../ops/harness.ts';

vi.setConfig({ testTimeout: 600_000 });

const indices = Uint32Array.of(4, 0, 16, 7, 9, 2);

/** What steps leave, by name. */
interface Left {
  readonly weights: ReadonlyMap<string, Data>;
  readonly running: ReadonlyMap<string, Data>;
  readonly values: StepValues;
}

/** Two steps of a method on a device, alone or as one of several. */
async function twoSteps(gpu: Gpu, method: string, given: GivenSettings, ranks?: Communicator): Promise<Left> {
  const settings = tinySettings(methodNamed(method), { batchSize: indices.length, ...given });
  const state = new State(gpu);
  const training = await compileTraining(state, residentImages(state, images), settings, {}, ranks);
  const step = (number: number, stop = false) =>
    training.step.step(indices, { step: number, epoch: number, lr: 0.05, stop }).read();
  const first = await step(1);
  if (ranks) expect(first.stop).toBe(false);
  const values = await step(2, ranks !== undefined && ranks.rank === ranks.size - 1); // one is asked to stop
  const left = { ...(await valuesOf(state, training)), values };
  if (ranks) await checkSameWeights(ranks, state, training, 2);
  training.step.destroy();
  state.destroy();
  gpu.trim();
  return left;
}

async function valuesOf(state: State, { learner }: Training): Promise<Pick<Left, 'weights' | 'running'>> {
  const { groups, kept = {} } = learner;
  const read = async (entries: ReturnType<typeof keptEntries>) => {
    const found = await state.readAll(entries.map(({ tensor }) => tensor));
    return new Map(entries.map(({ tensor }) => [tensor.name, found.get(tensor)!] as const));
  };
  const modules = groups.flatMap((group) => group.modules);
  return {
    weights: await read([...trainedParameters(learner), ...Object.values(kept).flatMap(keptEntries)]),
    running: await read(modules.flatMap((module) => module.buffers)),
  };
}

function expectNear(actual: ReadonlyMap<string, Data>, expected: ReadonlyMap<string, Data>, tolerance: number): void {
  expect([...actual.keys()]).toEqual([...expected.keys()]);
  for (const [name, values] of expected)
    expect(relativeError(actual.get(name)!, values), name).toBeLessThanOrEqual(tolerance);
}

onEveryAdapter((gpu) => {
  const alone = (method: string, given: GivenSettings) => twoSteps(gpu(), method, given);
  const together = (size: number, method: string, given: GivenSettings) =>
    onAll(localRanks(size), (ranks) => twoSteps(gpu(), method, given, ranks));

  it.each([
    { size: 2, microBatch: 3, given: 0 },
    { size: 3, microBatch: 2, given: 2 },
    { size: 2, microBatch: 1, given: 1 },
  ])(
    '$size processes with pieces of $microBatch are one process with such pieces, statistics too',
    async ({ size, microBatch, given }) => {
      const settings = { optimizer: 'sgd' } as const;
      const one = await alone('simclr', { ...settings, microBatch });
      const all = await together(size, 'simclr', { ...settings, microBatch: given });
      for (const { weights, running, values } of all) {
        expect(weights).toEqual(all[0].weights);
        expect(running).toEqual(all[0].running);
        expect(values.stop).toBe(true);
        expect(values.loss).toBeCloseTo(one.values.loss, 4);
        // With two processes of one piece each the sums are of the same two numbers, and so the same.
        if (size === 2 && microBatch === 3) expect(weights).toEqual(one.weights);
        expectNear(weights, one.weights, 1e-4);
        expectNear(running, one.running, 1e-5);
      }
      // The test can fail: pieces of another size are another training.
      const other = await alone('simclr', { ...settings, microBatch: 6 });
      expect(relativeError(other.weights.get('conv1.weight')!, one.weights.get('conv1.weight')!)).toBeGreaterThan(1e-4);
    },
  );

  it('a loss that is a mean over images: the gradients of the parts averaged are those of the batch', async () => {
    const settings = { norm: 'layer', optimizer: 'sgd' } as const;
    const one = await alone('rotation', settings);
    for (const { weights, values } of await together(3, 'rotation', settings)) {
      expectNear(weights, one.weights, 1e-5);
      expect(values.loss).toBeCloseTo(one.values.loss, 5);
      expect(values.metrics['accuracy']).toBeCloseTo(one.values.metrics['accuracy'], 5);
    }
  });

  it('a teacher follows the same weights on all processes', async () => {
    const all = await together(2, 'byol', { optimizer: 'sgd' });
    for (const { weights, running } of all) {
      expect(weights).toEqual(all[0].weights);
      expect(running).toEqual(all[0].running);
    }
  });

  it('half precision: all processes skip and scale alike', async (context) => {
    if (!gpu().traits.features.has('shader-f16')) context.skip('this adapter has no f16');
    const all = await together(2, 'simclr', { precision: 'f16' });
    expect(all[1].weights).toEqual(all[0].weights);
    expect(all[1].values).toEqual(all[0].values);
  });

  it('a value that is not finite on one process stops all of them', async () => {
    const poisoned = localRanks(2).map((ranks): Communicator => ({
      ...ranks,
      sum(values) {
        if (ranks.rank === 1 && values.length > 100_000) values[7] = Number.NaN;
        return ranks.sum(values);
      },
    }));
    const all = await onAll(poisoned, (ranks) => twoSteps(gpu(), 'simclr', {}, ranks));
    expect(all.map(({ values }) => values.firstNonFinite)).toEqual([1, 1]);
  });

  it('weights that have become different are noticed on all processes', async () => {
    const settings = tinySettings(methodNamed('simclr'), { batchSize: 6 });
    const check = async (ranks: Communicator) => {
      const state = new State(gpu());
      const training = await compileTraining(state, residentImages(state, images), settings, {}, ranks);
      const [{ tensor }] = trainedParameters(training.learner);
      await checkSameWeights(ranks, state, training, 5);
      if (ranks.rank === 2) state.write(tensor, Float32Array.of(((await state.read(tensor)) as Float32Array)[0] + 1e-6), 0);
      const told = await checkSameWeights(ranks, state, training, 6).catch((error: Error) => error.message);
      training.step.destroy();
      state.destroy();
      return told;
    };
    for (const told of await onAll(localRanks(3), check))
      expect(told).toMatch(/^step 6: the weights of rank 2 are no longer those of rank 0/);
  });
});
