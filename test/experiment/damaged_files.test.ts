/** Files of ours that were damaged: one line that names the file, what is wrong in it, and what to do. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/dataset.ts';
import { inventoryDifference, inventoryDigest, writeInventory } from '../../src/data/inventory.ts';
import { UserError } from '../../src/errors.ts';
import { pretrain } from '../../src/experiment/experiment_pretrain.ts';
import { Prober } from '../../src/experiment/experiment_probe.ts';
import { readExperiment } from '../../src/experiment/experiment_settings.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { readDrivers } from '../../src/gpu/drivers.ts';
import { RunFolder } from '../../src/train/run_folder.ts';
import { readRunKernels } from '../../src/train/run_kernels.ts';
import { SupervisedFolder } from '../../src/train/supervised_folder.ts';
import { parseSupervisedSettings } from '../../src/train/supervised_settings.ts';
import { madeSet } from '../data/helpers.ts';
import { madeSettings } from '../train/made.ts';
import { runs } from './fixture.ts';
import { configOf } from './tiny.ts';

const root = mkdtempSync(join(tmpdir(), 'simclr-damaged-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folder: string;
let serial = 0;
beforeEach(() => {
  folder = join(root, String(serial++));
  mkdirSync(join(folder, 'checkpoints'), { recursive: true });
});

const write = (name: string, content: unknown): void =>
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));

/** The message of a UserError, its folder left out. */
async function told(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).exitCode).toBe(1);
    expect((error as Error).message).not.toMatch(/\n/);
    return (error as Error).message.replaceAll(`${folder}/`, '');
  }
  return 'nothing was thrown';
}

describe('settings', () => {
  it('experiment.json', async () => {
    const config = configOf('d') as unknown as Record<string, unknown>;
    const remedy = 'restore the file or choose another --out';
    const message = (change: object) => {
      write('experiment.json', { ...config, ...change });
      return told(() => readExperiment(folder));
    };
    expect(await message({})).toBe('nothing was thrown');
    expect(await message({ seeds: undefined, images: undefined, data: undefined, pretrain: undefined })).toBe(
      `experiment.json: data is missing; seeds is missing; pretrain is missing; images is missing; ${remedy}`,
    );
    expect(await message({ pretrain: { ...(config['pretrain'] as object), lr: 'x', speed: 1 } })).toBe(
      `experiment.json: pretrain.lr must be a number, not 'x'; 'speed' is not a known setting; ${remedy}`,
    );
    expect(await message({ supervised: { cropMin: 0.9, cropMax: 0.5 } })).toBe(
      `experiment.json: supervised.cropMin (0.9) must not be above supervised.cropMax (0.5); ${remedy}`,
    );
    write('experiment.json', '{');
    expect(await told(() => readExperiment(folder))).toMatch(/^experiment\.json: not valid JSON \(.+\); restore the/);
  });

  it('config.json of a run', async () => {
    const config = { version: 1, data: 'd', images: 8, adapter: '', started: '' };
    const remedy = 'restore the file or start a new run';
    write('config.json', config);
    expect(await told(() => RunFolder.open(folder))).toBe(`config.json: settings is missing; ${remedy}`);
    write('config.json', { ...config, settings: { batchSize: 6, microBatch: 4 } });
    expect(await told(() => RunFolder.open(folder))).toBe(
      `config.json: microBatch (4) must divide batchSize (6): all micro-batches have the same size; ${remedy}`,
    );
  });

  it('kernels.json, drivers.json', async () => {
    write('kernels.json', '{');
    expect(await told(() => readRunKernels(folder, {} as Gpu))).toMatch(
      /^kernels\.json: not valid JSON \(.+\); restore the file, or delete it to have kernels chosen again/,
    );
    write('drivers.json', { drivers: 'x' });
    expect(await told(() => readDrivers(join(folder, 'drivers.json')))).toMatch(/^drivers\.json: .*npm run setup/);
  });
});

describe('what stages leave', () => {
  const settings = parseSupervisedSettings({ epochs: 1 });
  const config = { version: 1, mode: 'baseline', settings, classes: 2, train: 'a', test: 'b', encoder: null } as const;
  const open = () => SupervisedFolder.open(folder, config, config);
  const startAgain = 'remove the folder to train from the start';

  it('config.json and result.json of a model', async () => {
    write('result.json', {});
    expect(await told(() => open().result())).toMatch(
      /^result\.json: mode is missing; classes is missing; .*; remove the/,
    );
    write('result.json', '{"mode": ');
    expect(await told(() => open().result())).toMatch(/^result\.json: not valid JSON/);
    write('config.json', '{}');
    expect(await told(open)).toMatch(/^config\.json: version is missing; mode is missing; .*; remove the folder/);
    write('config.json', { ...config, settings: { ...settings, lr: null } });
    expect(await told(open)).toBe(`config.json: settings.lr must be a number, not null; ${startAgain}`);
    write('config.json', config);
    expect(await told(open)).toBe('nothing was thrown');
  });

  const stage = { step: 2, positives: 0.5, negatives: 0.1, similarity: [1] };
  const epoch = { type: 'epoch', epoch: 1, step: 2, loss: 1, chance: 2, accuracy: 0.5, imagesPerSecond: null };

  /** Reads a pre-training that has ended: no device is needed. */
  const dataset = { train: madeSet({ count: 4 }, () => 0) } as Dataset;
  const again = () => pretrain(undefined as never, dataset, folder, 'd', madeSettings(), {}, undefined);

  function ended(files: Readonly<Record<string, unknown>> = {}): void {
    write('checkpoints/step-00000002.safetensors', '');
    const whole = { 'finished.json': { step: 2 }, 'similarity.jsonl': stage, 'metrics.jsonl': epoch };
    for (const [name, content] of Object.entries({ ...whole, ...files })) write(name, content);
  }

  it('finished.json', async () => {
    ended();
    expect((await again()).epochs).toMatchObject([{ epoch: 1, step: 2, loss: 1, imagesPerSecond: Number.NaN }]);
    const remedy = 'delete it: the stage then resumes from its last checkpoint';
    ended({ 'finished.json': '{' });
    expect(await told(again)).toMatch(new RegExp(`^finished\\.json: not valid JSON \\(.+\\); ${remedy}$`));
    ended({ 'finished.json': { wallSeconds: 'long' } });
    expect(await told(again)).toBe(`finished.json: wallSeconds must be a number, not 'long'; ${remedy}`);
  });

  it('metrics.jsonl: a line that was cut is dropped, one that is damaged is told', async () => {
    const line = JSON.stringify(epoch);
    ended({ 'metrics.jsonl': `${line}\n{"type":"ep` });
    expect((await again()).epochs).toHaveLength(1);
    ended({ 'metrics.jsonl': `${line}\n{"type":"ep\n${line}\n` });
    expect(await told(again)).toMatch(/metrics\.jsonl: line 2 is not a JSON object: .*; remove that line$/);
    ended({ 'metrics.jsonl': `${line}\n\n{}\n` });
    expect(await told(again)).toMatch(/^metrics\.jsonl: line 3: type is missing; step is missing; restore the file/);
    ended({ 'metrics.jsonl': JSON.stringify({ ...epoch, loss: 'low' }) });
    expect(await told(again)).toBe(
      "metrics.jsonl: record of step 2: loss must be a number, not 'low'; restore the file",
    );
    const before = readFileSync(join(folder, 'metrics.jsonl'), 'utf8');
    ended({ 'metrics.jsonl': `${line}\n{}\n` });
    expect(await told(() => new RunFolder(folder).rewindMetrics(0))).toMatch(/line 2: type is missing/);
    expect(before).not.toBe('');
    expect(readFileSync(join(folder, 'metrics.jsonl'), 'utf8')).toBe(`${line}\n{}\n`);
  });

  it('similarity.jsonl', async () => {
    ended({ 'similarity.jsonl': `${JSON.stringify(stage)}\n${JSON.stringify({ ...stage, similarity: 3 })}\n` });
    expect(await told(again)).toMatch(/^similarity\.jsonl: line 2: similarity must be a list, not 3; restore the file/);
  });

  it('probe.json', async () => {
    const images = madeSet({ count: 4, labels: Uint8Array.of(0, 1, 0, 1), classNames: ['a', 'b'] }, () => 0);
    const prober = new Prober(
      {} as Gpu,
      { train: images, test: images },
      { pretrained: new Map(), random: new Map() },
      settings,
    );
    const run = { file: join(folder, 'probe.json'), fold: null, train: images };
    const [{ probes }] = runs([1]);
    const origin = (prober as unknown as { origin(of: typeof run): object }).origin(run);
    const known = () => prober.known(run);
    const remedy = 'delete it to have the probes computed again';
    write('probe.json', { version: 1, origin, probes });
    expect(known()).toEqual(probes);
    write('probe.json', { version: 1, origin: { ...origin, seed: 9 }, probes: {} });
    expect(known()).toBeUndefined();
    write('probe.json', '{');
    expect(await told(known)).toMatch(new RegExp(`^probe\\.json: not valid JSON \\(.+\\); ${remedy}$`));
    write('probe.json', { version: 1, origin, probes: { ...probes, random: { ...probes.random, test: 1 } } });
    expect(await told(known)).toBe(
      `probe.json: probes.random.test must be an object with named values, not 1; ${remedy}`,
    );
  });

  it('images.jsonl: a broken line is named where it would say which images differ', async () => {
    const files = [{ file: 'a.png', bytes: 3 }];
    const now = [{ file: 'b.png', bytes: 3 }];
    writeInventory(folder, files);
    const difference = () => inventoryDifference(folder, inventoryDigest(files), now);
    expect(difference()).toBe('1 file added (b.png), 1 removed (a.png)');
    write('images.jsonl', '{"file":"a.png","bytes":"3"}\n');
    expect(difference()).toBe(
      `files were added, removed or changed (which ones cannot be determined: ${join(folder, 'images.jsonl')}: line 1: bytes must be a number, not '3'; restore the file)`,
    );
    expect(inventoryDifference(folder, inventoryDigest(now), now)).toBeUndefined();
  });
});
