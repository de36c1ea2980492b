/** What holds of the methods with crops of two sizes: what is frozen at first, what is kept, and when a queue is used. */
import { beforeAll, describe, expect, it } from 'vitest';
import { residentImages } from '../../src/data/source.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import type { Data, Tensor } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { dino } from '../../src/methods/dino.ts';
import { swav } from '../../src/methods/swav.ts';
import { withoutNetwork } from '../../src/nn/module.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { StepFeeds } from '../../src/ssl/feeds.ts';
import { keptEntries, type Learner, type Method } from '../../src/ssl/method.ts';
import { trainedGroups } from '../../src/ssl/trace_step.ts';
import { compileTraining, learnerOf, type Training, viewsOf } from '../../src/train/learner.ts';
import type { GivenSettings } from '../../src/train/settings.ts';
import { adapters } from '../ops/harness.ts';
import { images, tinySettings } from './harness.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await Gpu.open({ adapter: adapters[0] });
  return () => gpu.destroy();
});

const sizes = { embeddingDim: 8, headWidth: 16, localCrops: 1, frozenEpochs: 0.5 };
const ofSwav = { ...sizes, prototypes: 6, queueSize: 8, queueEpoch: 1 };
const ofDino = { ...sizes, outputs: 12 };
/** Crops of 16 pixels in patches of 4, local ones of 8. */
const ofDinoOnVit = { ...ofDino, architecture: 'vit_tiny', patch: 4, ibotWeight: 1 } as const;

async function withTraining(
  method: Method,
  given: GivenSettings,
  use: (training: Training, state: State) => Promise<void>,
): Promise<void> {
  const state = new State(gpu);
  const training = await compileTraining(state, residentImages(state, images), tinySettings(method, given));
  await use(training, state);
  training.step.destroy();
  state.destroy();
}

/** Runs a step of an epoch of four. */
const run = ({ step }: Training, number: number) => {
  const indices = Uint32Array.from({ length: 4 }, (_, i) => (4 * number + i) % 17);
  return step.step(indices, { step: number, epoch: Math.floor((number - 1) / 4) }).read();
};

function parameter({ groups }: Learner, name: string): Tensor {
  const all = groups.flatMap(({ modules }) => modules.flatMap(({ parameters }) => parameters));
  return all.find(({ tensor }) => tensor.name === name)!.tensor;
}

const lengths = (rows: Data, columns: number): number[] =>
  Array.from({ length: rows.length / columns }, (_, r) => Math.hypot(...rows.subarray(r * columns, (r + 1) * columns)));

describe('SwAV', () => {
  it('prototypes stay as they are while they are frozen, learn then, and have length one; the queue gets embeddings', async () => {
    await withTraining(swav, { ...ofSwav, lr: 0.05 }, async (training, state) => {
      const prototypes = parameter(training.learner, 'prototypes.weight');
      const queue = training.learner.kept!['queue'] as Tensor;
      const [first, random] = [await state.read(prototypes), await state.read(queue)];
      for (let step = 1; step <= 3; step++) {
        await run(training, step);
        const now = await state.read(prototypes);
        for (const length of lengths(now, 8)) expect(length).toBeCloseTo(1, 5);
        const moved = Math.max(...now.map((value, i) => Math.abs(value - first[i])));
        if (step <= 2) expect(moved).toBeLessThan(1e-6);
        else expect(moved).toBeGreaterThan(1e-3);
        // Four images a step, each with the embeddings of its two global views side by side.
        const rows = await state.read(queue);
        if (step === 1) expect(rows.slice(4 * 16)).toEqual(random.slice(4 * 16));
        for (const length of lengths(rows.slice(0, 4 * 16), 8)) expect(length).toBeCloseTo(1, 5);
      }
      const used = (step: number, epoch: number): number => {
        const [{ inputs }] = training.step.runs(Uint32Array.of(0, 1, 2, 3), { step, epoch });
        return inputs['the queue is used'][0];
      };
      // From the epoch of the setting on, if as many images were seen as it holds.
      expect([used(2, 1), used(3, 0), used(3, 1), used(5, 1)]).toEqual([0, 0, 1, 1]);
    });
  });
});

describe('DINO', () => {
  it('the last layer stays as it is while it is frozen; a teacher with m = 0 is the student after every step', async () => {
    await withTraining(dino, { ...ofDino, emaMomentum: 0, emaMomentumEnd: 0, lr: 0.5 }, async (training, state) => {
      const last = parameter(training.learner, 'last_layer.weight_v');
      const first = await state.read(last);
      for (let step = 1; step <= 3; step++) {
        await run(training, step);
        const now = await state.read(last);
        if (step <= 2) expect(now).toEqual(first);
        else expect(now).not.toEqual(first);
        for (const { tensor } of keptEntries(training.learner.kept!['teacher']).slice(0, 3))
          expect(await state.read(tensor)).toEqual(
            await state.read(parameter(training.learner, withoutNetwork(tensor.name))),
          );
      }
      const center = await state.read(training.learner.kept!['center'] as Tensor);
      expect(Math.max(...center.map(Math.abs))).toBeGreaterThan(1e-3);
    });
  });
});

describe.each([
  ['SwAV', swav, ofSwav],
  ['DINO', dino, ofDino],
  ['DINO with iBOT', dino, ofDinoOnVit],
] as const)('of %s', (_, method, given) => {
  it('nothing that is kept gets a gradient; all that is trained does', () => {
    const settings = tinySettings(method, given);
    const learner = learnerOf(settings, { count: 17, classes: 0 });
    const views = viewsOf(settings).map(({ count, size }, i) => {
      const shape = [4 * count, size, size, 4];
      return constant(`views ${i}`, new Float32Array(4 * count * size * size * 4).fill(0.5), shape);
    });
    const gradientOf = (tensor: Tensor) =>
      trace(() => gradients(learner.step(views, new StepFeeds(4)).losses[0][1](), [tensor]));
    trainedGroups(learner, settings); // lays the weights into flat variables, which the average is taken of
    for (const kept of Object.values(learner.kept!))
      expect(() => gradientOf(keptEntries(kept)[0].tensor)).toThrow('the loss does not depend on');
    for (const { parameters } of learner.groups[0].modules)
      expect(() => gradientOf(parameters[0].tensor)).not.toThrow();
  });

  it('a step whose gradients are not finite changes nothing that is kept, and no weight', async () => {
    await withTraining(method, { ...given, clipNorm: 0, lr: 1e30 }, async (training, state) => {
      const { kept = {}, groups } = training.learner;
      const trained = groups[0].modules.flatMap(({ parameters }) => parameters.slice(0, 1));
      const tensors = [...Object.values(kept).flatMap(keptEntries), ...trained]
        .map(({ tensor }) => tensor)
        .filter(({ name }) => !/running_/.test(name)); // statistics are of passes
      await run(training, 1); // leaves weights of 1e30
      const before = [];
      for (const tensor of tensors) before.push(await state.read(tensor));
      expect((await run(training, 2)).firstNonFinite).toBe(2);
      for (const [i, tensor] of tensors.entries()) expect(await state.read(tensor), tensor.name).toEqual(before[i]);
    });
  });
});
