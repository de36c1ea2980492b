/** Runs of several processes, here in one: the losses, the accuracies and the clusters of a run alone. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Dataset } from '../../src/data/dataset.ts';
import { type ImageSet, subset } from '../../src/data/images.ts';
import { unite } from '../../src/data/united.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { readSafetensors } from '../../src/io/safetensors.ts';
import type { Communicator } from '../../src/mpi/communicator.ts';
import { FollowedFolder, RunFolder } from '../../src/train/run_folder.ts';
import { type GivenSettings, parseSettings } from '../../src/train/settings.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { localRanks, onAll } from '../mpi/local_ranks.ts';
import { adapters } from '../ops/harness.ts';
import { datasetOf, drawn } from './drawn.ts';

vi.setConfig({ testTimeout: 300_000 });

const root = mkdtempSync(join(tmpdir(), 'simclr-ranks-'));
const train = drawn('train', 13, 16);
const dataset = datasetOf(train, { train, test: drawn('test', 9, 16) });

let gpu: Gpu;
beforeAll(async () => {
  gpu = await Gpu.open({ adapter: adapters[0] });
});
afterAll(() => {
  gpu.destroy();
  rmSync(root, { recursive: true, force: true });
});

/** Three steps an epoch. */
const tiny = {
  width: 0.25,
  imageSize: 16,
  batchSize: 4,
  epochs: 2,
  schedule: 'constant',
  knnEvery: 1,
  figureEvery: 2,
  keep: 99,
} as const;

/** Trains in a folder, or goes on there; alone, or as one of several of which the first keeps the folder. */
async function trainIn(name: string, given: GivenSettings, data: Dataset, ranks?: Communicator): Promise<RunFolder> {
  const settings = parseSettings({ ...tiny, ...given });
  const path = join(root, name);
  const config = { data: root, settings, images: data.train.count, adapter: '' };
  const folder = ranks && ranks.rank > 0 ? new FollowedFolder(path) : RunFolder.openOrCreate(path, config);
  const trainer = await Trainer.create(gpu, data, settings, folder, {}, undefined, ranks);
  try {
    await trainer.run();
  } finally {
    trainer.destroy();
  }
  return folder;
}

/** The same in so many processes; the folder is that of the first. */
async function trainTogether(size: number, name: string, given: GivenSettings, data = dataset): Promise<RunFolder> {
  const [folder] = await onAll(localRanks(size), (ranks) => trainIn(name, given, data, ranks));
  return folder;
}

/** What was seen of a run, step by step and epoch by epoch. */
const numbersOf = (folder: RunFolder) =>
  folder.records().map(({ type, step, loss, knn, knnBalanced }) => ({ type, step, loss, knn, knnBalanced }));

it('each with the images of its share on its device: the losses and accuracies of one process', async () => {
  const alone = numbersOf(await trainIn('alone', { microBatch: 2 }, dataset));
  expect(alone.filter(({ knn }) => knn !== undefined).map(({ step }) => step)).toEqual([0, 3, 6]);
  expect(numbersOf(await trainTogether(2, 'shares', {}))).toEqual(alone);
  expect(numbersOf(await trainTogether(2, 'host', { images: 'host' }))).toEqual(alone);
  // Pieces of one image are other batches for batch norm: the comparison can fail.
  const pieces = numbersOf(await trainTogether(2, 'pieces', { microBatch: 1, knnEvery: 0 }));
  const losses = (records: typeof alone) => records.map(({ loss }) => loss).filter((loss) => loss !== undefined);
  expect(losses(pieces)).toHaveLength(losses(alone).length);
  expect(losses(pieces)).not.toEqual(losses(alone));
});

it('each with images of its own: the losses and accuracies of one process that has them all', async () => {
  const parts = [6, 7];
  const test = dataset.probe!.test;
  const divided = { ...dataset, train: { ...train, parts }, probe: { train: { ...train, parts }, test } };
  const alone = numbersOf(await trainIn('divided', { microBatch: 2 }, divided));
  const [first] = await onAll(localRanks(2), async (ranks) => {
    const of = (set: ImageSet, begin: number, count: number) =>
      subset(
        set,
        Uint32Array.from({ length: count }, (_, i) => begin + i),
      );
    const own = of(train, 6 * ranks.rank, parts[ranks.rank]);
    const probe = { train: own, test: of(test, 4 * ranks.rank, ranks.rank === 0 ? 4 : 5) };
    const united = await unite({ ...dataset, train: own, probe }, ranks, 'part-{rank}');
    return trainIn('united', {}, united, ranks);
  });
  expect(numbersOf(first)).toEqual(alone);
});

it('one that stopped within an epoch goes on as if it had not', async () => {
  await trainTogether(2, 'stopped', { steps: 4 });
  const folder = await trainTogether(2, 'stopped', {});
  const steps = (of: RunFolder) => numbersOf(of).filter(({ type }) => type === 'step');
  expect(steps(folder)).toEqual(steps(new RunFolder(join(root, 'shares'))));
});

it('the features of clusters are computed together', async () => {
  const given = { method: 'exemplar-cnn', clusters: 3, knnEvery: 0, epochs: 1 };
  const clusters = (folder: RunFolder) => {
    const { tensors } = readSafetensors(folder.checkpointFile(folder.checkpointSteps().at(-1)!));
    return [...(tensors.get('epoch.cluster')!.data as Uint32Array)];
  };
  const one = clusters(await trainIn('clusters', given, dataset));
  expect(new Set(one).size).toBe(3);
  expect(clusters(await trainTogether(3, 'clusters-3', { ...given, batchSize: 3 }))).toHaveLength(13);
  expect(clusters(await trainTogether(2, 'clusters-2', given))).toEqual(one);
});
