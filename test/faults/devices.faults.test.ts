/** Devices that are lost, and that run out of memory: one line, nothing lost, and where it can be the run goes on by itself. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { trainCommand } from '../../src/cli/train.ts';
import { ensureSampleSet } from '../../src/data/sample.ts';
import { UserError } from '../../src/errors.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { outOfMemory } from '../../src/gpu/faults.ts';
import { weightsOf } from '../cli/resume.ts';
import { scratchFolder, steps, tiny } from '../cli/run.ts';
import { isPlain, randomNumbers, rounds, seed, Tries } from './campaign.ts';

vi.setConfig({ testTimeout: 3_600_000, hookTimeout: 600_000 });

const folder = scratchFolder();
const data = join(folder, 'sample');
const straight = join(folder, 'straight');
const lastStep = 9;
const words = ['--data', data, ...tiny, '--no-autotune', '--epochs', '3', '--checkpoint-steps', '2'];

/** Runs the command in this process. @returns what it printed */
async function train(...args: string[]): Promise<string> {
  let out = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text;
    return true;
  });
  try {
    await trainCommand().parseAsync(args, { from: 'user' });
  } finally {
    write.mockRestore();
  }
  return out;
}

beforeAll(async () => {
  ensureSampleSet(data, { train: 10, test: 10, unlabeled: 12 });
  await train(...words, '--out', straight);
});

afterEach(() => vi.restoreAllMocks());

/** Destroys the device of each of these numbers when its run has logged so many steps. */
function loseDevices(path: string, after: readonly number[]): { opened: () => number } {
  const open = Gpu.open.bind(Gpu);
  let opened = 0;
  vi.spyOn(Gpu, 'open').mockImplementation(async (options) => {
    const gpu = await open(options);
    const at = after[opened++];
    if (at !== undefined) void destroyAt(gpu, path, at);
    return gpu;
  });
  return { opened: () => opened };
}

async function destroyAt(gpu: Gpu, path: string, step: number): Promise<void> {
  const logged = (): number => {
    try {
      return steps(path).length;
    } catch {
      return 0; // there is no log yet, or a line is being written
    }
  };
  while (logged() < step) await new Promise((wake) => setTimeout(wake, 1));
  gpu.device.destroy();
}

describe('a device that is lost', () => {
  it('in the middle of an epoch: the run opens it again and ends as if nothing had been', async () => {
    const random = randomNumbers(seed);
    const tries = new Tries('a lost device', 'train');
    try {
      for (let round = 0; round < 3 * rounds; round++) {
        const path = join(folder, `lost ${round}`);
        const after = [1 + Math.floor(random() * 6), 7];
        const { opened } = loseDevices(path, after);
        await tries.try(async () => {
          const out = await train(...words, '--out', path);
          expect(out).toMatch(/note +the GPU device was lost \(.*\); opening it again and resuming after step \d/);
          expect(opened()).toBeGreaterThan(1);
          expect(steps(path)).toEqual(steps(straight));
          expect(weightsOf(path, lastStep)).toBe(weightsOf(straight, lastStep));
        });
        vi.restoreAllMocks();
      }
    } finally {
      tries.close();
    }
  });

  it('again and again without a step between: the run ends in one line, and can be resumed', async () => {
    const path = join(folder, 'hopeless');
    loseDevices(path, [5, 4, 4, 4, 4]); // the checkpoint is of step 4: these are lost before they do one
    const error = await train(...words, '--out', path).catch((thrown: unknown) => thrown);
    expect(isPlain(error)).toBe(true);
    expect(String(error)).toMatch(/the GPU device was lost/);
    vi.restoreAllMocks();
    await train('--resume', path);
    expect(weightsOf(path, lastStep)).toBe(weightsOf(straight, lastStep));
  });
});

describe('a device without memory', () => {
  it('at an allocation: one line, and no folder of a run that never began', async () => {
    const create = Gpu.prototype.createBuffer;
    let count = 0;
    vi.spyOn(Gpu.prototype, 'createBuffer').mockImplementation(function (this: Gpu, ...args) {
      count++;
      return create.apply(this, args);
    });
    await train(...words, '--out', join(folder, 'counted'));
    vi.restoreAllMocks();
    const random = randomNumbers(seed);
    const chosen = rounds >= 10 ? count : 6 * rounds;
    const moments =
      rounds >= 10
        ? Array.from({ length: count }, (_, i) => i + 1)
        : Array.from({ length: chosen }, () => 1 + Math.floor(random() * count));
    const tries = new Tries('a device without memory', `train, ${count} allocations`);
    try {
      for (const at of moments) {
        const path = join(folder, `memory ${at}`);
        await tries.try(() => failsAt(at, path));
      }
    } finally {
      tries.close();
    }

    async function failsAt(at: number, path: string): Promise<void> {
      let made = 0;
      vi.spyOn(Gpu.prototype, 'createBuffer').mockImplementation(function (this: Gpu, label, size, usage) {
        if (++made === at) this.failure ??= outOfMemory(label, size);
        return create.call(this, label, size, usage);
      });
      const error = await train(...words, '--out', path).catch((thrown: unknown) => thrown);
      vi.restoreAllMocks();
      expect(error).toBeInstanceOf(UserError);
      expect(String(error)).toMatch(/the GPU is out of memory at /);
      expect(isPlain(error)).toBe(true);
      if (existsSync(join(path, 'config.json'))) await train('--resume', path);
      else expect(existsSync(path)).toBe(false);
    }
  });
});
