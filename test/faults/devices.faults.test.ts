/** Devices that are lost, and that run out of memory: one line, nothing lost, and where it can be the run goes on by itself. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { embedCommand } from '../../src/cli/embed.ts';
import { evalCommand } from '../../src/cli/eval.ts';
import { experimentCommand } from '../../src/cli/experiment.ts';
import { trainCommand } from '../../src/cli/train.ts';
import { ensureSampleSet } from '../../src/data/sample/sample.ts';
import { UserError } from '../../src/errors.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { outOfMemory } from '../../src/gpu/faults.ts';
import { simclr } from '../../src/methods/simclr.ts';
import { weightsOf } from '../cli/resume.ts';
import { scratchFolder, steps, tiny } from '../cli/run.ts';
import { adapters } from '../ops/harness.ts';
import { drawMoments, isPlain, randomNumbers, rounds, seed, Tries } from './campaign.ts';
import { type Calls, called, filesOf, loseDevices, loseDevicesWhen } from './lost_devices.ts';

vi.setConfig({ testTimeout: 3_600_000, hookTimeout: 600_000 });

const folder = scratchFolder();
const data = join(folder, 'sample');
const straight = join(folder, 'straight');
const lastStep = 9;
const words = ['--data', data, ...tiny, '--no-autotune', '--epochs', '3', '--checkpoint-steps', '2'];

const train = (...args: string[]): Promise<string> => called(trainCommand(simclr), ...args);

beforeAll(async () => {
  ensureSampleSet(data, { train: 20, test: 10, unlabeled: 12 });
  await train(...words, '--out', straight);
});

afterEach(() => vi.restoreAllMocks());

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

  it('before the first step: the run begins again', async () => {
    const path = join(folder, 'early');
    const lost = loseDevicesWhen(({ total }) => total === 100);
    const out = await train(...words, '--out', path);
    expect(lost.devices).toBe(2);
    expect(out).toMatch(/note +the GPU device was lost \(.*\); opening it again and resuming after step 0/);
    expect(steps(path)).toEqual(steps(straight));
    expect(weightsOf(path, lastStep)).toBe(weightsOf(straight, lastStep));
  });

  it('again and again without a step between: the run ends in one line, and can be resumed', async () => {
    const path = join(folder, 'hopeless');
    loseDevices(path, [5, 4, 4, 4, 4]); // the checkpoint is of step 4: these are lost before they do one
    const error = await train(...words, '--out', path).catch((thrown: unknown) => thrown);
    expect(isPlain(error)).toBe(true);
    expect(String(error)).toMatch(/the GPU device was lost \(.*\); continue the run with --resume .*hopeless$/);
    vi.restoreAllMocks();
    await train('--resume', path);
    expect(weightsOf(path, lastStep)).toBe(weightsOf(straight, lastStep));
  });
});

const device = ['--adapter', adapters[0] ?? 'none', '--no-autotune'];
const encoder = ['--checkpoint', straight, '--data', data, ...device];
const tuned = ['--finetune-epochs', '2', '--finetune-batch-size', '5'];
const supervised = ['--supervised-epochs', '2', '--supervised-batch-size', '10', '--supervised-checkpoint-every', '1'];

/** Commands that are simply run again. */
const repeated = [
  {
    name: 'experiment',
    run: (out: string) => called(experimentCommand(simclr), ...words, ...supervised, '--out', out),
    told: 'resuming the experiment',
    times: 1,
  },
  {
    name: 'eval finetune',
    run: (out: string) => called(evalCommand(), 'finetune', ...encoder, ...tuned, '--out', out),
    told: 'repeating the command',
    times: 2,
  },
  {
    name: 'embed',
    run: (out: string) => called(embedCommand(), ...encoder, '--out', join(out, 'features.npy')),
    told: 'repeating the command',
    times: 3,
  },
];

describe.each(repeated)('a device that is lost at any moment of $name', ({ name, run, told, times }) => {
  const undisturbed = join(folder, name);
  let usual: Calls;

  beforeAll(async () => {
    usual = loseDevicesWhen(() => false);
    await run(undisturbed);
    vi.restoreAllMocks();
  });

  it('is opened again, in every stage, and the command ends as if nothing had been', async () => {
    const random = randomNumbers(seed);
    const tries = new Tries('a lost device', name);
    try {
      for (let round = 0; round < times * rounds; round++) {
        const path = join(folder, `${name} ${round}`);
        const left = new Map([...usual.inStage].map(([stage, calls]) => [stage, 1 + Math.floor(calls * random())]));
        await tries.series(async () => {
          const lost = loseDevicesWhen(
            ({ stage, inStage }) => left.get(stage) === inStage.get(stage) && left.delete(stage),
          );
          const out = await run(path);
          vi.restoreAllMocks();
          expect(left.size).toBe(0);
          expect(lost.devices).toBe(1 + usual.inStage.size);
          expect(out).toMatch(new RegExp(`note +the GPU device was lost \\(.*\\); opening it again and ${told}`));
          expect(filesOf(path)).toEqual(filesOf(undisturbed));
          return usual.inStage.size;
        });
      }
    } finally {
      tries.close();
    }
  });

  it('again and again: one line and nothing half-written, and the command can be run again', async () => {
    const path = join(folder, `${name} hopeless`);
    const lost = loseDevicesWhen(({ total }) => total > usual.total / 2);
    const error = await run(path).catch((thrown: unknown) => thrown);
    vi.restoreAllMocks();
    expect(lost.devices).toBe(3);
    expect(String(error)).toMatch(/^UserError: the GPU device was lost \(.*\); run the command again$/);
    const left = existsSync(path) ? Object.keys(filesOf(path)) : [];
    expect(left.filter((file) => /\.tmp$|\.lock$/.test(file))).toEqual([]);
    await run(path);
    expect(filesOf(path)).toEqual(filesOf(undisturbed));
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
    const moments = drawMoments(count, rounds >= 5 ? count : 6 * rounds, randomNumbers(seed));
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
      if (!existsSync(join(path, 'config.json'))) return expect(existsSync(path)).toBe(false);
      await train('--resume', path);
      expect(weightsOf(path, lastStep)).toBe(weightsOf(straight, lastStep));
    }
  });
});
