/** A long training with all that it does beside its steps (kNN, figures, checkpoints): what leaks shows. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it, vi } from 'vitest';
import { openDataset } from '../../src/data/dataset.ts';
import { ensureSampleSet } from '../../src/data/sample/sample.ts';
import { Gpu } from '../../src/gpu/device.ts';
import type { TrainEvents } from '../../src/train/events.ts';
import { RunFolder } from '../../src/train/run_folder.ts';
import { parseSettings } from '../../src/train/settings.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { scratchFolder, steps } from '../cli/run.ts';
import { adapters } from '../ops/harness.ts';
import { rounds, Tries } from './campaign.ts';

vi.setConfig({ testTimeout: 7_200_000 });

const folder = scratchFolder();
/** After the second everything has been done at least once. */
const looks = 12;
const between = Math.min(200 * rounds, 1000);
const mebibyte = 2 ** 20;

interface Look {
  readonly device: number;
  readonly heap: number;
  readonly process: number;
  readonly descriptors: number;
}

it(`memory and open files are flat over ${looks * between} steps`, async () => {
  const data = join(folder, 'sample');
  ensureSampleSet(data, { train: 20, test: 20, unlabeled: 20 });
  const gpu = await Gpu.open({ adapter: adapters[0] });
  const seen: Look[] = [];
  const onStep: TrainEvents['onStep'] = ({ step }) => {
    if (step % between === 0) seen.push(look(gpu));
  };
  const path = join(folder, 'long');
  const tries = new Tries('steps of one run', 'memory of process and device, open files');
  try {
    await tries.series(async () => {
      await train(gpu, data, path, { onStep });
      expect(steps(path)).toHaveLength(looks * between);
      const [before, ...later] = seen.slice(1);
      // Allocators keep freed pages for a while, so one look says little; what leaks is there at every later look.
      const growth = (of: keyof Look) => Math.min(...later.slice(later.length / 2).map((one) => one[of])) - before[of];
      expect(growth('device'), 'bytes of the device').toBe(0);
      expect(growth('descriptors'), 'open files').toBeLessThanOrEqual(0);
      expect(growth('heap') / mebibyte, 'MiB of the heap').toBeLessThan(4);
      expect(growth('process') / mebibyte, 'MiB of the process').toBeLessThan(20);
      return looks * between;
    });
  } finally {
    tries.close();
    gpu.destroy();
  }
});

/** Ten steps an epoch; every fifth epoch the features are measured, figures drawn and a checkpoint written. */
async function train(gpu: Gpu, data: string, path: string, events: TrainEvents): Promise<void> {
  const every = { knnEvery: 5, figureEvery: 5, checkpointEvery: 5 };
  const sizes = { width: 0.25, imageSize: 16, batchSize: 2, epochs: looks * between };
  const settings = parseSettings({ ...sizes, ...every, steps: looks * between });
  const dataset = await openDataset(data, { split: 'unlabeled', size: settings.imageSize });
  const images = dataset.train.count;
  const run = RunFolder.create(path, { ...{ version: 1, data, settings, images, adapter: '' }, started: '' });
  const trainer = await Trainer.create(gpu, dataset, settings, run, events);
  try {
    await trainer.run();
  } finally {
    trainer.destroy();
  }
}

const descriptors = '/proc/self/fd';

/** Bytes of the device, of the heap and of the whole process, once what nothing refers to is collected, and open files. */
function look(gpu: Gpu): Look {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const { heapUsed, rss } = process.memoryUsage();
  const files = existsSync(descriptors) ? readdirSync(descriptors).length : 0;
  return { device: gpu.bytes, heap: heapUsed, process: rss, descriptors: files };
}
