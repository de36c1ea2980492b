/** The order in which a run leaves what it makes, and what it says when its values are not finite. */
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Gpu } from '../../src/gpu/device.ts';
import { divergenceRemedy } from '../../src/train/diagnose.ts';
import type { TrainEvents } from '../../src/train/events.ts';
import { RunFolder } from '../../src/train/run_folder.ts';
import { flagOf, parseSettings, type TrainSettings } from '../../src/train/settings.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { adapters } from '../ops/harness.ts';
import { datasetOf, drawn } from './drawn.ts';

const root = mkdtempSync(join(tmpdir(), 'simclr-trainer-'));
const train = drawn('unlabeled', 8, 16);
const dataset = datasetOf(train);

let gpu: Gpu;
beforeAll(async () => {
  gpu = await Gpu.open({ adapter: adapters[0] });
});
afterAll(() => {
  gpu.destroy();
  rmSync(root, { recursive: true, force: true });
});

/** Two steps an epoch. */
const tiny = { imageSize: 16, batchSize: 4, epochs: 2, optimizer: 'sgd', knnEvery: 0, figureEvery: 1 } as const;

async function run(name: string, given: Partial<TrainSettings>, eventsOf: (folder: RunFolder) => TrainEvents) {
  const settings = parseSettings({ ...tiny, ...given });
  const path = join(root, name);
  const config = { version: 1, data: root, settings, images: train.count, adapter: '', started: '' } as const;
  const folder = existsSync(path) ? RunFolder.open(path).folder : RunFolder.create(path, config);
  const trainer = await Trainer.create(gpu, dataset, settings, folder, eventsOf(folder));
  try {
    return { folder, ...(await trainer.run()) };
  } finally {
    trainer.destroy();
  }
}

describe('a run', () => {
  it('has figures, numbers and events of every epoch before the checkpoint that ends it', async () => {
    const seen: unknown[] = [];
    const note = (what: string, folder: RunFolder) => (step: number) => {
      const figure = existsSync(folder.file('figures', `pairs-step-0000000${step}.png`));
      const logged = folder.records().some((record) => record.type === 'epoch' && record.step === step);
      seen.push({ what, step, figure, logged, checkpoint: folder.checkpointSteps().includes(step) });
    };
    const { step } = await run('order', {}, (folder) => ({
      onEpoch: (report) => note('epoch', folder)(report.step),
      onFigure: (at) => note('figure', folder)(at),
    }));
    expect(step).toBe(4);
    const before = { logged: true, checkpoint: false };
    expect(seen).toEqual([
      { what: 'figure', step: 0, figure: true, logged: false, checkpoint: false },
      { what: 'epoch', step: 2, figure: false, ...before },
      { what: 'figure', step: 2, figure: true, ...before },
      { what: 'epoch', step: 4, figure: false, ...before },
      { what: 'figure', step: 4, figure: true, ...before },
    ]);
  });

  it('that ended draws its last figures again and leaves its checkpoint alone', async () => {
    const file = new RunFolder(join(root, 'order')).checkpointFile(4);
    rmSync(join(root, 'order', 'figures', 'pairs-step-00000004.png'));
    const drawnAt: number[] = [];
    const saved: string[] = [];
    const { mtimeMs } = statSync(file);
    await run('order', {}, () => ({ onFigure: (step) => drawnAt.push(step), onEpoch: () => saved.push('epoch') }));
    expect({ drawnAt, saved }).toEqual({ drawnAt: [4], saved: [] });
    expect(statSync(file).mtimeMs).toBe(mtimeMs);
    expect(existsSync(join(root, 'order', 'figures', 'pairs-step-00000004.png'))).toBe(true);
  });

  it('that diverges names what is likely, and no checkpoint where there is none', async () => {
    await expect(run('diverged', { weightDecay: 1e30 }, () => ({}))).rejects.toThrow(
      /^step 2: NaN or infinity appeared, first in .*; training stopped\. Lower --weight-decay: it is 1e\+30, and usual is less than 0\.1$/,
    );
  });
});

describe('the remedy', () => {
  const given = { lr: 1, weightDecay: 1e-4, temperature: 0.5, precision: 'f32' } as const;

  it.each<[Partial<Parameters<typeof divergenceRemedy>[0]>, string]>([
    [{}, 'Lower --lr or raise --temperature'],
    [{ precision: 'f16' }, 'Lower --lr or raise --temperature, or train with --precision f32'],
    [{ weightDecay: 50, lr: 1e9 }, 'Lower --weight-decay: it is 50, and usual is less than 0.1'],
    [{ temperature: 1e-9 }, 'Raise --temperature: it is 1e-9, and usual is 0.05 to 1'],
  ])('%o', (change, message) => {
    expect(divergenceRemedy({ ...given, ...change }, flagOf)).toBe(message);
  });

  it('of a training that has no temperature', () => {
    const { temperature, ...rest } = given;
    expect(divergenceRemedy(rest, (name) => `its ${name}`)).toBe('Lower its lr');
  });
});
