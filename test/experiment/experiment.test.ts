/** What `simclr experiment` refuses, in one line and before it writes anything. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureSampleSet } from '../../src/data/sample/sample.ts';
import { findStl10 } from '../../src/data/stl10.ts';
import { planExperiment } from '../../src/experiment/experiment_settings.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { run, scratchFolder } from '../cli/run.ts';
import { adapters } from '../ops/harness.ts';
import { configOf, flagsOf, given, images } from './tiny.ts';

const folder = scratchFolder();
const data = join(folder, 'data');
const out = (name: string) => join(folder, name);

beforeAll(() => {
  ensureSampleSet(data, images);
});

describe('simclr experiment', () => {
  const flags = flagsOf(data);

  it('refuses other settings in the same folder, and what it cannot use', async () => {
    const path = out('other');
    mkdirSync(path);
    const gpu = await Gpu.open({ adapter: adapters[0] });
    const config = { ...configOf(data), ...planExperiment(given, gpu.traits) };
    gpu.destroy();
    writeFileSync(join(path, 'experiment.json'), JSON.stringify(config));
    const other = await run(...flags, '--out', path, '--lr', '0.5', '--supervised-augment', 'simclr');
    expect(other.code).toBe(2);
    expect(other.err).toBe(
      `simclr: ${path}: holds an experiment with --lr 0.001, --supervised-augment none; continue it with the same settings, or choose another --out\n`,
    );
    expect((await run(...flags, '--out', out('x'), '--folds', '0,11')).err).toMatch(/some of 0 to 9/);
    expect((await run(...flags, '--out', out('x'), '--checkpoint', 'y')).err).toMatch(/omit --image-size/);
    expect(existsSync(out('x'))).toBe(false);
  });

  it('refuses folds that the data do not have, before it writes anything', async () => {
    const unfolded = out('unfolded');
    ensureSampleSet(unfolded, images);
    rmSync(join(findStl10(unfolded)!, 'fold_indices.txt'));
    const refused = await run(
      'experiment',
      '--data',
      unfolded,
      '--out',
      out('x'),
      '--folds',
      'all',
      '--image-size',
      '16',
    );
    expect(refused.code).toBe(2);
    expect(refused.err).toMatch(
      /^simclr: --folds needs STL-10's files with fold_indices.txt, .*unfolded does not have/,
    );
    expect(existsSync(out('x'))).toBe(false);
  });

  it('refuses a batch that the images do not fill, and a single class, before it writes anything', async () => {
    const large = await run(...flags, '--batch-size', '17', '--out', out('x'));
    expect(large.code).toBe(1);
    expect(large.err).toMatch(/^simclr: .*: has 16 images, fewer than --batch-size 17; use a smaller batch\n$/);
    const single = out('single');
    ensureSampleSet(single, images);
    writeFileSync(join(findStl10(single)!, 'train_y.bin'), Buffer.alloc(images.train, 1));
    const one = await run(...flags, '--data', single, '--out', out('x'));
    expect(one.code).toBe(1);
    expect(one.err).toMatch(/^simclr: .*has images of one class only; a classifier needs two classes or more\n$/);
    expect(existsSync(out('x'))).toBe(false);
  });

  it('says in one line what is wrong with images or with the folder', async () => {
    const unlabelled = out('unlabelled');
    ensureSampleSet(unlabelled, images);
    for (const part of ['train', 'test']) rmSync(join(unlabelled, `${part}_X.bin`));
    const without = await run('experiment', '--data', unlabelled, '--out', out('x'), '--image-size', '16');
    expect(without.code).toBe(1);
    expect(without.err).toMatch(/^simclr: .*has no labelled images; .*\n$/);
    const path = out('damaged');
    ensureSampleSet(path, images);
    writeFileSync(join(path, 'experiment.json'), '{');
    expect((await run(...flags, '--out', path)).err).toMatch(
      /experiment.json: not valid JSON .* choose another --out\n$/,
    );
  });
});
