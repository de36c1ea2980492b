/** Long trainings of every method, with all that a run does beside its steps: what is made in a step or an epoch, and kept, shows. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, expect, it, vi } from 'vitest';
import { Gpu } from '../../src/gpu/device.ts';
import { allMethods } from '../../src/methods/index.ts';
import type { GivenSettings } from '../../src/train/settings.ts';
import { countBuffers, type Live } from '../live_buffers.ts';
import { runIn, tinySettings } from '../methods/harness.ts';
import { adapters } from '../ops/harness.ts';
import { rounds, Tries } from './campaign.ts';

vi.setConfig({ testTimeout: 7_200_000 });

const root = mkdtempSync(join(tmpdir(), 'simclr-memory-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** With `--rounds 4` a thousand. */
const steps = Math.min(250 * rounds, 1000);
/** Four steps an epoch; looks are in the middle of one. */
const [between, within] = [steps / 12.5, 2];
const mebibyte = 2 ** 20;
/** MiB by which a process may grow in a third of a run, in one of so many runs. */
const allowed = 20;
const mostRuns = 3;

/** As small as methods can be made. Schedules come to their ends, and what begins late has begun, before the second look. */
const sizes: Readonly<Record<string, GivenSettings>> = {
  'cpc-1d': { window: 160, strides: '5,4', predictionSteps: 3, contextDim: 16 },
  'barlow-twins': { embeddingDim: 64, projectorWidth: 64 },
  bert: { textWidth: 16, textLayers: 1, textHeads: 2, contextLength: 12 },
  clip: { embeddingDim: 16, textWidth: 16, textLayers: 1, textHeads: 2, contextLength: 8 },
  byol: { headWidth: 64 },
  data2vec: { patch: 8 },
  dino: { outputs: 32, headWidth: 32, embeddingDim: 16 },
  'exemplar-cnn': { clusters: 5 },
  fncancel: { cancelAfter: 1 },
  gan: { latentDim: 16 },
  jigsaw: { headWidth: 32 },
  mae: { patch: 8, decoderDim: 12, decoderDepth: 1 },
  moco: { queueSize: 16, batchNormSplits: 2, stem: 'cifar' },
  'moco-v1': { queueSize: 16, batchNormSplits: 2, stem: 'cifar' },
  'relative-patch': { headWidth: 32 },
  simcse: { textWidth: 16, textLayers: 1, textHeads: 2, contextLength: 8 },
  simclr: { loss: 'hard-negative', temperatureEnd: 0.5 },
  simsiam: { embeddingDim: 64, projectorWidth: 64, predictorWidth: 16 },
  swav: { prototypes: 16, queueSize: 16, queueEpoch: 1, headWidth: 32 },
  'video-color': { references: 1, placeDim: 16 },
  vicreg: { embeddingDim: 64, projectorWidth: 64 },
  wcl: { headWidth: 32, embeddingDim: 16, neighbors: 3, neighborWarmup: 1, smallCrops: 2 },
};

interface Look {
  readonly live: Live;
  readonly heap: number;
  readonly process: number;
  readonly descriptors: number;
}

it.each(allMethods().map((method) => [method.name, method] as const))('memory of %s is flat', async (name, method) => {
  const tries = new Tries(`steps of ${name}`, 'buffers of the device, memory of the process, open files');
  const gpu = await Gpu.open({ adapter: adapters[0] });
  const live = countBuffers(gpu);
  const every = { knnEvery: 10, figureEvery: 10, checkpointEvery: 10, checkpointSteps: 0, keep: 2 };
  const settings = tinySettings(method, { ...every, epochs: steps, steps, lr: 1e-3, ...sizes[name] });
  const growthOfRun = async (run: number): Promise<number> => {
    const seen: Look[] = [];
    const onStep = ({ step }: { readonly step: number }) => {
      if (step % between === within) seen.push(look(live()));
    };
    const { step } = await runIn(join(root, `${name}-${run}`), gpu, settings, { onStep });
    expect(step).toBe(steps);
    return growthOf(seen.slice(2));
  };
  try {
    await tries.series(async () => {
      let growth = await growthOfRun(1);
      // An allocator takes pages late, now and then, and keeps them; what leaks in a run leaks in the same run again.
      for (let run = 2; run <= mostRuns && growth >= allowed; run++) growth = Math.min(growth, await growthOfRun(run));
      expect(growth, 'MiB of the process').toBeLessThan(allowed);
      return steps;
    });
  } finally {
    tries.close();
    gpu.destroy();
  }
});

/** By how many MiB the process has grown; what can be counted exactly must not have. */
function growthOf([before, ...later]: readonly Look[]): number {
  expect(later.length).toBeGreaterThan(8);
  for (const { live } of later) expect(live).toEqual(before.live);
  // Allocators take their time to settle and keep freed pages: what leaks is there at every look of the last third, beyond those of the second.
  const third = Math.ceil(later.length / 3);
  const least = (looks: readonly Look[], of: 'heap' | 'process' | 'descriptors') =>
    Math.min(...looks.map((one) => one[of]));
  const growth = (of: 'heap' | 'process' | 'descriptors') =>
    least(later.slice(-third), of) - least(later.slice(-2 * third, -third), of);
  expect(growth('descriptors'), 'open files').toBeLessThanOrEqual(0);
  expect(growth('heap') / mebibyte, 'MiB of the heap').toBeLessThan(4);
  return growth('process') / mebibyte;
}

const files = '/proc/self/fd';

/** What is alive once what nothing refers to is collected. */
function look(live: Live): Look {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const { heapUsed, rss } = process.memoryUsage();
  return { live, heap: heapUsed, process: rss, descriptors: existsSync(files) ? readdirSync(files).length : 0 };
}
