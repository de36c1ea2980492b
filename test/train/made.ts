/** Checkpoints and run folders that no training made: whole ones of zeros, for tests of what is refused. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { elements } from '../../src/graph/tensor.ts';
import { readSafetensors, type StoredTensor, writeSafetensors } from '../../src/io/safetensors.ts';
import type { ImageFacts } from '../../src/ssl/method.ts';
import { checkpointEntries } from '../../src/train/checkpoint.ts';
import { type GivenSettings, parseSettings, type TrainSettings } from '../../src/train/settings.ts';

export const madeSettings = (given: GivenSettings = {}): TrainSettings =>
  parseSettings({ imageSize: 16, batchSize: 4, epochs: 2, optimizer: 'sgd', headWidth: 8, embeddingDim: 8, ...given });

/** Tensors of a checkpoint with these settings, all zero. @param images what it was trained on, where its networks depend on that */
export function zeroTensors(settings: TrainSettings, images?: ImageFacts): Map<string, StoredTensor> {
  const entries = checkpointEntries(settings, images).map(
    ({ tensor: { name }, torchShape: shape }): [string, StoredTensor] => [
      name,
      { dtype: 'F32', shape, data: new Float32Array(elements(shape)) },
    ],
  );
  return new Map([
    ...entries,
    ['module.bn1.num_batches_tracked', { dtype: 'I64', shape: [], data: BigInt64Array.of(2n) }],
  ]);
}

/** Writes a checkpoint; `tensors` may be any. */
export function writeCheckpoint(
  file: string,
  settings: unknown,
  step: number,
  tensors: ReadonlyMap<string, StoredTensor>,
  images?: ImageFacts,
): void {
  const progress = JSON.stringify({ step, sums: { loss: 0, accuracy: 0 }, summed: 0 });
  writeSafetensors(file, tensors, {
    format: 'simclr-webgpu checkpoint 2',
    settings: JSON.stringify(settings),
    progress,
    ...(images && { images: JSON.stringify(images) }),
  });
}

/** Names of tensors as the first version of checkpoints had them. */
const formerly = (tensors: ReadonlyMap<string, StoredTensor>): [string, StoredTensor][] =>
  [...tensors].map(([name, tensor]) => [
    name.replace(/^module\./, '').replace(/^optimizer\.main\./, 'optimizer.'),
    tensor,
  ]);

/** Rewrites the checkpoint of a supervised training as the first version wrote it. */
export function rewriteAsFormer(file: string): void {
  const { tensors, metadata } = readSafetensors(file);
  const { sums, summed: _, lossScales, ...progress } = JSON.parse(metadata['progress']);
  const { images: __, settings } = metadata;
  writeSafetensors(file, formerly(tensors), {
    format: metadata['format'].replace(/2$/, '1'),
    settings,
    progress: JSON.stringify({ ...progress, ...{ loss: 0, accuracy: 0 }, ...sums, lossScale: lossScales?.main }),
  });
}

/** The same as the first version wrote it: names without prefix, one optimiser, other names of settings and sums. */
export function writeFormerCheckpoint(
  file: string,
  settings: TrainSettings,
  step: number,
  tensors: ReadonlyMap<string, StoredTensor>,
): void {
  const { method: _, embeddingDim: features, figureEvery: drawEvery, ...rest } = settings as GivenSettings;
  writeSafetensors(file, formerly(tensors), {
    format: 'simclr-webgpu checkpoint 1',
    settings: JSON.stringify({ ...rest, features, drawEvery }),
    progress: JSON.stringify({ step, loss: 1.5, accuracy: 0.5 }),
  });
}

/** The folder of a run with a checkpoint after step 2. What its config says may be changed. */
export function writeRun(path: string, settings: TrainSettings, config: object = {}): string {
  mkdirSync(join(path, 'checkpoints'), { recursive: true });
  writeCheckpoint(join(path, 'checkpoints', 'step-00000002.safetensors'), settings, 2, zeroTensors(settings));
  const whole = { version: 1, data: path, settings, images: 8, adapter: 'none', started: '', ...config };
  writeFileSync(join(path, 'config.json'), JSON.stringify(whole));
  return path;
}
