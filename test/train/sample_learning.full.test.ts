/** What the first command promises: the recipe learns something from the sample set within minutes of a software adapter. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/dataset.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { withRecipe } from '../../src/train/recipe.ts';
import { RunFolder } from '../../src/train/run_folder.ts';
import { parseSettings } from '../../src/train/settings.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { adapters } from '../ops/harness.ts';
import { drawn } from './drawn.ts';

const folder = mkdtempSync(join(tmpdir(), 'simclr-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('a hundred and twenty steps raise the accuracy of nearest neighbours by eight points or more', async () => {
  const settings = parseSettings(withRecipe({ steps: 120, seed: 1, figureEvery: 0 }, { software: true, sample: true }));
  const [train, test, unlabeled] = [drawn('train', 500, 32), drawn('test', 500, 32), drawn('unlabeled', 3840, 32)];
  const dataset: Dataset = {
    kind: 'stl10',
    train: unlabeled,
    probe: { train, test },
    description: '',
    measured: '',
    files: [],
    leftOut: [],
    unusedExcludes: [],
    close: () => {},
  };
  const gpu = await Gpu.open({ adapter: adapters[0] });
  const run = RunFolder.create(join(folder, 'run'), {
    version: 1,
    data: folder,
    settings,
    images: unlabeled.count,
    adapter: gpu.traits.adapter,
    started: '',
  });
  let untrained = Number.NaN;
  const trainer = await Trainer.create(gpu, dataset, settings, run, { onUntrained: (knn) => (untrained = knn) });
  const { knn } = await trainer.run();
  trainer.destroy();
  gpu.destroy();
  expect(untrained).toBeLessThan(0.55);
  expect(knn! - untrained).toBeGreaterThanOrEqual(0.08);
}, 1_800_000);
