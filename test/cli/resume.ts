/** A run that is stopped and resumed: what the fast and the long tests of it share. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { ensureSampleSet } from '../../src/data/sample/sample.ts';
import { readSafetensors } from '../../src/io/safetensors.ts';
import { metrics, type Started, tiny } from './run.ts';

/** 12 steps an epoch in batches of four. */
export const drawImages = (data: string): void => {
  ensureSampleSet(data, { train: 20, test: 20, unlabeled: 50 });
};

/** Flags of a run of two epochs, the second cut to four steps. */
export const resumable = (data: string): string[] => [
  '--data',
  data,
  ...tiny,
  '--epochs',
  '2',
  '--steps',
  '16',
  '--checkpoint-steps',
  '4',
  '--schedule',
  'cosine',
];

/** Waits until a run has logged so many steps. */
export async function reached(started: Started, path: string, step: number): Promise<void> {
  for (;;) {
    try {
      if (metrics(path).length >= step) return;
    } catch {
      // The run has not written its first line yet, or is writing one.
    }
    if (started.child.exitCode !== null) throw new Error(`the run ended early: ${(await started.done).err}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

export const tensors = (path: string, step: number) =>
  readSafetensors(join(path, 'checkpoints', `step-${String(step).padStart(8, '0')}.safetensors`)).tensors;

/** A digest of the tensors of a checkpoint; the settings in its metadata may differ. */
export function weightsOf(path: string, step: number): string {
  const hash = createHash('sha256');
  for (const [name, { data }] of tensors(path, step))
    hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest('hex');
}
