/** Checkpoints and run folders that no training made: whole ones of zeros, for tests of what is refused. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { elements } from '../../src/graph/tensor.ts';
import { type StoredTensor, writeSafetensors } from '../../src/io/safetensors.ts';
import { checkpointEntries } from '../../src/train/checkpoint.ts';
import { parseSettings, type TrainSettings } from '../../src/train/settings.ts';

export const madeSettings = (given: Partial<TrainSettings> = {}): TrainSettings =>
  parseSettings({ imageSize: 16, batchSize: 4, epochs: 2, optimizer: 'sgd', headWidth: 8, features: 8, ...given });

/** Tensors of a checkpoint with these settings, all zero. */
export function zeroTensors(settings: TrainSettings): Map<string, StoredTensor> {
  const entries = checkpointEntries(settings).map(({ tensor: { name }, torchShape: shape }): [string, StoredTensor] => [
    name,
    { dtype: 'F32', shape, data: new Float32Array(elements(shape)) },
  ]);
  return new Map([...entries, ['bn1.num_batches_tracked', { dtype: 'I64', shape: [], data: BigInt64Array.of(2n) }]]);
}

/** Writes a checkpoint; `tensors` may be any. */
export function writeCheckpoint(
  file: string,
  settings: unknown,
  step: number,
  tensors: ReadonlyMap<string, StoredTensor>,
): void {
  const progress = JSON.stringify({ step, loss: 0, accuracy: 0, summed: 0 });
  writeSafetensors(file, tensors, {
    format: 'simclr-webgpu checkpoint 1',
    settings: JSON.stringify(settings),
    progress,
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
