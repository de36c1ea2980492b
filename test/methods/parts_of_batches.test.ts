/**
 * Methods that keep something beside their weights, or compare whole batches, in micro-batches and on several processes, over some steps:
 * what they leave is what one process leaves.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { stretchesOf } from '../../src/data/sequences.ts';
import { fedSamples, hostImages, type SampleSource } from '../../src/data/source.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import { barlowTwins } from '../../src/methods/barlow_twins.ts';
import { contextEncoder } from '../../src/methods/context_encoder.ts';
import { cpc1d } from '../../src/methods/cpc_1d.ts';
import { dino } from '../../src/methods/dino.ts';
import { instDisc } from '../../src/methods/inst_disc.ts';
import { moco, mocoV1 } from '../../src/methods/moco.ts';
import { simclr } from '../../src/methods/simclr.ts';
import { supCon } from '../../src/methods/sup_con.ts';
import { swav } from '../../src/methods/swav.ts';
import { vicreg } from '../../src/methods/vicreg.ts';
import type { Communicator } from '../../src/mpi/communicator.ts';
import type { Method } from '../../src/ssl/method.ts';
import { splitStep } from '../../src/ssl/split_step.ts';
import { type StepParts, trainedParameters } from '../../src/ssl/step.ts';
import { TrainingStep } from '../../src/ssl/training_step.ts';
import { stepParts } from '../../src/train/learner.ts';
import { checkSameWeights } from '../../src/train/same_weights.ts';
import type { GivenSettings } from '../../src/train/settings.ts';
import { tones } from '../data/wav_files.ts';
import { localRanks, onAll } from '../mpi/local_ranks.ts';
import { adapters } from '../ops/harness.ts';
import { expectNear, expectSame, type Named, type Values, valuesOf } from '../ssl/left_by_steps.ts';
import { expectExactResume, images, tinySettings } from './harness.ts';

vi.setConfig({ testTimeout: 300_000 });

const batches = [
  [4, 0, 12, 7, 9, 2, 16, 5],
  [1, 3, 15, 4, 6, 8, 10, 11],
  [7, 13, 2, 14, 0, 9, 4, 3],
].map((batch) => Uint32Array.from(batch));
const batchSize = batches[0].length;
const half = { microBatch: batchSize / 2 };

const sounds = stretchesOf({ name: 'tones', skipped: [] }, tones(6, 320), 160);
const sourceOf = ({ data }: Method): SampleSource => (data === 'sequences' ? fedSamples(sounds) : hostImages(images));

let gpu: Gpu;
beforeAll(async () => void (gpu = await Gpu.open({ adapter: adapters[0] })));
afterAll(() => gpu.destroy());

/** What some steps leave, and the values of the last. */
interface Left extends Values {
  readonly shown: Readonly<Record<string, number>>;
  /** By how much each weight has moved since the first step. */
  readonly moved: Named;
}

type Change = (parts: StepParts) => StepParts;

/** Three steps of a method, alone or as one of several processes. */
async function threeSteps(method: Method, given: GivenSettings, ranks?: Communicator, change: Change = (p) => p) {
  const state = new State(gpu);
  const settings = tinySettings(method, { batchSize, optimizer: 'sgd', lr: 0.05, weightDecay: 1e-3, ...given });
  const parts = change(stepParts(sourceOf(method), settings, ranks));
  const training = await TrainingStep.create(state, parts);
  const before = await valuesOf(state, parts);
  let shown: Left['shown'] = {};
  for (const [i, indices] of batches.entries()) {
    const { loss, metrics, firstNonFinite } = await training
      .step(indices, { step: i + 1, epoch: i, lr: settings.lr })
      .read();
    expect(firstNonFinite).toBe(0);
    shown = { loss, ...metrics };
  }
  if (ranks) await checkSameWeights(ranks, state, parts, batches.length);
  const left = await valuesOf(state, parts);
  const trained = trainedParameters(parts.learner).map(({ tensor: { name } }) => name);
  const moved = new Map(
    trained.map((name) => {
      const first = before.weights.get(name)!;
      return [name, left.weights.get(name)!.map((value, i) => value - first[i])] as const;
    }),
  );
  training.destroy();
  state.destroy();
  gpu.trim();
  return { ...left, shown, moved } satisfies Left;
}

/** All passes with running statistics, so that no image sees another in a batch norm. */
const frozen: Change = ({ learner, ...parts }) => {
  const split = learner.split!;
  const still = { training: false };
  const { embed, targets } = split;
  const passes = {
    embed: (...[views, feeds]: Parameters<typeof embed>) => embed(views, feeds, still),
    ...(targets && { targets: (...[views, feeds]: Parameters<typeof embed>) => targets(views, feeds, still) }),
  };
  return { ...parts, learner: { ...learner, ...splitStep({ ...split, ...passes }, still) } };
};

function expectNearNumbers(actual: Left['shown'], expected: Left['shown'], tolerance: number): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, value] of Object.entries(expected))
    expect(Math.abs(actual[name] - value), name).toBeLessThan(tolerance * Math.max(1, Math.abs(value)));
}

const heads = { embeddingDim: 16, headWidth: 16 };
const mocoSizes = { queueSize: 32, batchNormSplits: 2, stem: 'cifar' } as const;
const swavSizes = {
  ...heads,
  ...{ prototypes: 6, localCrops: 2, localSize: 8, queueSize: 8, queueEpoch: 1, frozenEpochs: 0.5 },
};
const twins = { embeddingDim: 16, projectorWidth: 16 };

const compared: readonly (readonly [string, Method, GivenSettings])[] = [
  ['moco', moco, { ...mocoSizes, emaMomentum: 0.5, emaMomentumEnd: 0.5 }],
  ['moco-v1 --symmetric', mocoV1, { ...mocoSizes, emaMomentum: 0.5, emaMomentumEnd: 0.5, symmetric: true }],
  ['swav', swav, swavSizes],
  ['inst-disc', instDisc, {}],
  ['barlow-twins', barlowTwins, twins],
  ['vicreg', vicreg, { ...twins, lr: 1e-3 }],
  ['cpc-1d', cpc1d, { window: 160, strides: '5,4', predictionSteps: 3, contextDim: 16 }],
];

describe.each(compared)('%s', (_, method, given) => {
  it('pieces of a batch are the batch, where no image sees another in the network', async () => {
    const plain = await threeSteps(method, given, undefined, frozen);
    const pieces = await threeSteps(method, { ...given, ...half }, undefined, frozen);
    expectNearNumbers(pieces.shown, plain.shown, 1e-4);
    expectNear(pieces.weights, plain.weights, 1e-4);
    expectNear(pieces.moved, plain.moved, 5e-3);
    // The test can fail: what is kept has moved too.
    expect([...plain.moved.values()].every((values) => values.some((value) => value !== 0))).toBe(true);
  });

  it('two processes are one in two pieces, bit for bit, with all that is kept', () => expectOneInPieces(method, given));
});

/** Two processes leave what one does that has the shares of both for its pieces. */
async function expectOneInPieces(method: Method, given: GivenSettings): Promise<void> {
  const one = await threeSteps(method, { ...given, ...half });
  for (const { weights, running, shown } of await onAll(localRanks(2), (ranks) => threeSteps(method, given, ranks))) {
    expectSame(weights, one.weights);
    expectNear(running, one.running, 1e-6);
    expectNearNumbers(shown, one.shown, 1e-6);
  }
}

it.each([
  ['moco', moco, mocoSizes],
  ['simclr', simclr, heads],
] as const)('%s: pictures are mixed with others of the same process', (_, method, given) =>
  expectOneInPieces(method, { ...given, mix: 'cutmix' }),
);

it('supcon: the labels of a piece and those of the batch are told apart', () => expectOneInPieces(supCon, heads));

const dinoSizes = {
  ...heads,
  outputs: 12,
  headDepth: 2,
  localCrops: 2,
  localSize: 8,
  emaMomentum: 0.5,
  frozenEpochs: 0,
};
const ibot = { ...dinoSizes, architecture: 'vit_tiny', ibotWeight: 1, dropPath: 0, optimizer: 'sgd' } as const;

it.each([
  ['dino', { ...dinoSizes, norm: 'layer', headBatchNorm: false }],
  ['dino with hidden patches', ibot],
] as const)('%s: processes have the centres of the whole batch', async (_, given) => {
  const one = await threeSteps(dino, given);
  for (const { weights, moved, shown } of await onAll(localRanks(2), (ranks) => threeSteps(dino, given, ranks))) {
    expect(Math.abs(shown['loss'] - one.shown['loss'])).toBeLessThan(1e-4);
    expectNear(weights, one.weights, 1e-4);
    expectNear(moved, one.moved, 5e-3);
  }
  expect(one.weights.get('center')!.every((value) => value !== 0)).toBe(true);
});

// Networks with batch norm, whose statistics are of all images here: those of teachers are updated once in a step too.
const inPhases: readonly (readonly [string, Method, GivenSettings])[] = [
  compared[0],
  ['moco in f16', moco, { ...compared[0][2], precision: 'f16' }],
  ['dino', dino, dinoSizes],
  ['context-encoder', contextEncoder, { adversarialWeight: 0 }],
];
it.for(inPhases)(
  '%s: one process by itself in the phases of several is the plain step',
  async ([, method, given], { skip }) => {
    if (given.precision === 'f16' && !gpu.traits.features.has('shader-f16')) skip('the adapter has no shader-f16');
    const plain = await threeSteps(method, given);
    const { running, shown } = await threeSteps(method, given, localRanks(1)[0]);
    expectNear(running, plain.running, 1e-4);
    expectNearNumbers(shown, plain.shown, 1e-4);
  },
);

it('a run in micro-batches that is stopped after every step is bit for bit the run that is not', async () => {
  const root = mkdtempSync(join(tmpdir(), 'simclr-pieces-'));
  const settings = tinySettings(moco, { ...mocoSizes, batchSize, ...half, symmetric: true });
  expect((await expectExactResume(root, gpu, settings)).step).toBe(4);
  rmSync(root, { recursive: true, force: true });
});

it('a step in micro-batches that is left out takes no keys into the queue', async () => {
  const state = new State(gpu);
  const parts = stepParts(hostImages(images), tinySettings(moco, { ...mocoSizes, batchSize, ...half }));
  const training = await TrainingStep.create(state, parts);
  const kept = async () => new Map([['queue', (await valuesOf(state, parts)).weights.get('queue')!]]);
  const first = await kept();
  await training.step(batches[0], { step: 1, epoch: 0 }).read();
  const after = await kept();
  expect(after).not.toEqual(first);
  state.write(trainedParameters(parts.learner)[0].tensor, Float32Array.of(Number.NaN), 0);
  expect((await training.step(batches[1], { step: 2, epoch: 0 }).read()).firstNonFinite).toBe(2);
  expectSame(await kept(), after);
  training.destroy();
  state.destroy();
});
