/** Every file of JSON that the program writes and reads again, damaged in thousands of ways: in its text, and in its values. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { Dataset } from '../../src/data/dataset.ts';
import { inventoryDifference, inventoryDigest } from '../../src/data/inventory.ts';
import { pretrain } from '../../src/experiment/experiment_pretrain.ts';
import { Prober } from '../../src/experiment/experiment_probe.ts';
import { readExperiment } from '../../src/experiment/experiment_settings.ts';
import { writeSafetensors } from '../../src/io/safetensors.ts';
import { progressSchema } from '../../src/train/progress.ts';
import { readRunConfig } from '../../src/train/run_config.ts';
import { RunFolder } from '../../src/train/run_folder.ts';
import { readRunKernels } from '../../src/train/run_kernels.ts';
import { parseSettings } from '../../src/train/settings.ts';
import { type SupervisedConfig, SupervisedFolder } from '../../src/train/supervised_folder.ts';
import { parseSupervisedSettings } from '../../src/train/supervised_settings.ts';
import { readTraining } from '../../src/train/training_file.ts';
import { scratchFolder } from '../cli/run.ts';
import { madeSet } from '../data/helpers.ts';
import { runs } from '../experiment/fixture.ts';
import { configOf } from '../experiment/tiny.ts';
import { madeSettings } from '../train/made.ts';
import { damaged, edits, replaced, replacements } from './mutations.ts';
import { survives } from './survives.ts';

vi.setConfig({ testTimeout: 3_600_000 });

const folder = scratchFolder();
const supervised = parseSupervisedSettings({ epochs: 1 });
const training: SupervisedConfig = {
  ...({ version: 1, mode: 'baseline' } as const),
  ...{ settings: supervised, classes: 2, train: 'a', test: 'b', encoder: null },
};
const gpu = { traits: { adapter: 'llvmpipe' }, adapter: { info: { description: 'Mesa' } } } as never;
const [{ probes }] = runs([1]);
const testedEpoch = {
  ...{ epoch: 1, trainLoss: 2, trainAccuracy: 0.2, testLoss: 2.1, testAccuracy: 0.1, testBalancedAccuracy: 0.1 },
  ...{ lr: 1e-3, seconds: 2.5, imagesPerSecond: 100 },
};
const digests = { weights: 'ab', statistics: 'cd' };
const result = {
  ...{ mode: 'baseline', classes: 2, parameters: 100, trained: 10, batchSize: 4, stepsPerEpoch: 3 },
  ...{ epochs: [testedEpoch], last: testedEpoch, best: testedEpoch, encoder: { before: digests, after: digests } },
  wallSeconds: 12.5,
};
const images = madeSet({ count: 4, labels: Uint8Array.of(0, 1, 0, 1), classNames: ['a', 'b'] }, () => 0);

const inFolder = (name: string): string => {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  return path;
};

/** Where one of the files lies, what is in it (a list: a line each), and who reads it. */
interface Kind {
  readonly file: string;
  readonly content: object;
  read(path: string): unknown;
}

function probe(): Kind {
  const encoders = { pretrained: new Map(), random: new Map() };
  const prober = new Prober({} as never, { train: images, test: images }, encoders, supervised);
  const runOf = (path: string) => ({ file: join(path, 'probe.json'), fold: null, train: images });
  const { origin } = prober as unknown as { origin(of: ReturnType<typeof runOf>): object };
  const content = { version: 1, origin: origin.call(prober, runOf('')), probes };
  return { file: 'probe.json', content, read: (path) => prober.known(runOf(path)) };
}

const run = {
  ...{ version: 1, data: '/photos', exclude: ['*.tmp'], settings: parseSettings({}), images: 100, imagesDigest: 'ab' },
  ...{ init: { file: 'a', sha256: 'b', head: true }, extended: [{ at: 'x', step: 1, epochs: 2, steps: 0 }] },
  ...{ adapter: 'llvmpipe', started: '2026-01-31T12:00:00Z' },
};
const step = { ...{ type: 'step', step: 1, epoch: 1, loss: 1.5 }, ...{ accuracy: 0.5, embeddingStd: 0.1, lr: 1e-3 } };
const epoch = { type: 'epoch', epoch: 1, step: 2, loss: 1, chance: 2, accuracy: 0.5, imagesPerSecond: null };
const listed = [1, 2, 3].map((bytes) => ({ file: `${bytes}.png`, bytes, sample: 'ab' }));

/** Reads a pre-training that has ended, whose other files are whole. */
function pretrained(path: string): unknown {
  mkdirSync(join(path, 'checkpoints'), { recursive: true });
  writeFileSync(join(path, 'checkpoints', 'step-00000002.safetensors'), '');
  writeFileSync(
    join(path, 'similarity.jsonl'),
    JSON.stringify({ step: 2, positives: 0.5, negatives: 0, similarity: [1] }),
  );
  writeFileSync(join(path, 'metrics.jsonl'), JSON.stringify(epoch));
  const dataset = { train: images } as Dataset;
  return pretrain(undefined as never, dataset, path, 'd', madeSettings(), {}, undefined);
}

const kinds: readonly Kind[] = [
  { file: 'config.json', content: run, read: (path) => readRunConfig(path, join(path, 'config.json')) },
  { file: 'experiment.json', content: configOf('d'), read: readExperiment },
  {
    file: 'kernels.json',
    content: { adapter: 'llvmpipe', driver: 'Mesa', variants: { 'conv2d f32[1]': 'octet_32' } },
    read: (path) => readRunKernels(path, gpu),
  },
  { file: 'metrics.jsonl', content: [step, step, epoch], read: (path) => new RunFolder(path).records() },
  {
    file: 'images.jsonl',
    content: listed,
    read: (path) => inventoryDifference(path, inventoryDigest(listed), listed.slice(1)),
  },
  { file: 'finished.json', content: { step: 2, wallSeconds: 1.5 }, read: pretrained },
  probe(),
];

/** Files that one of another kind has the name of. */
const ofTrainings: readonly Kind[] = [
  { file: 'config.json', content: training, read: (path) => SupervisedFolder.open(path, training, training) },
  {
    file: 'result.json',
    content: result,
    read: (path) => SupervisedFolder.open(path, training, training).result(),
  },
];

const named = (kind: Kind, what: string) => ({ ...kind, what, path: inFolder(what) });

const write = (path: string, { file, content }: Kind, change: (content: object) => unknown = (same) => same): void => {
  const lines = (value: unknown) => (Array.isArray(value) ? value : [value]).map((line) => JSON.stringify(line));
  const text = Array.isArray(content) ? lines(change(content)).join('\n') : JSON.stringify(change(content), null, 1);
  writeFileSync(join(path, file), text ?? '');
};

describe.each([
  ...kinds.map((kind) => named(kind, kind.file)),
  ...ofTrainings.map((kind) => named(kind, `${kind.file} of a supervised training`)),
])('$what', ({ what, path, ...kind }) => {
  it('as it was written', async () => {
    write(path, kind);
    await expect((async () => kind.read(path))()).resolves.toBeDefined();
  });

  it('its text', async () => {
    const lines = Array.isArray(kind.content) ? kind.content.map((line) => JSON.stringify(line)) : undefined;
    const original = Buffer.from(lines ? `${lines.join('\n')}\n` : JSON.stringify(kind.content, null, 1));
    await survives(`${what}, its text`, edits, (changes) => {
      writeFileSync(join(path, kind.file), damaged(original, changes));
      return kind.read(path);
    });
  });

  it('its values', async () => {
    await survives(`${what}, its values`, replacements, (changes) => {
      write(path, kind, (content) => replaced(content, changes));
      return kind.read(path);
    });
  });
});

describe('what a checkpoint says of itself', () => {
  const kind = { format: 'a checkpoint', former: 'an older one', what: 'checkpoint', remedy: 'take another' };
  const content = { settings: parseSettings({}), progress: { step: 7, sums: { loss: 1.5, accuracy: 0.5 }, summed: 3 } };
  const file = join(folder, 'checkpoint.safetensors');
  const read = (settings: string | undefined, progress: string | undefined) => {
    const metadata = { format: kind.format, settings: String(settings), progress: String(progress) };
    writeSafetensors(file, [['w', { dtype: 'F32', shape: [1], data: Float32Array.of(1) }]], metadata);
    const found = readTraining(file, kind, progressSchema);
    return { ...found, settings: parseSettings(found.settings, file, (name) => name) };
  };
  const words = z.object({ settings: z.unknown(), progress: z.unknown() }).catch({ settings: '', progress: '' });

  it('its text', async () => {
    const [settings, progress] = [content.settings, content.progress].map((part) => Buffer.from(JSON.stringify(part)));
    expect(read(String(settings), String(progress))).toMatchObject(content);
    await survives('a checkpoint’s metadata, their text', edits, (changes) =>
      read(damaged(settings, changes).toString('latin1'), damaged(progress, changes.slice(1)).toString('latin1')),
    );
  });

  it('its values', async () => {
    await survives('a checkpoint’s metadata, their values', replacements, (changes) => {
      const { settings, progress } = words.parse(replaced(content, changes));
      return read(JSON.stringify(settings), JSON.stringify(progress));
    });
  });
});
