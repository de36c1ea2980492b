import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { openDataset } from '../src/data/dataset.ts';
import { Gpu } from '../src/gpu/device.ts';
import { RunFolder } from '../src/train/run_folder.ts';
import { parseSettings } from '../src/train/settings.ts';
import { Trainer } from '../src/train/trainer.ts';
import { metrics, scratchFolder } from './cli/run.ts';

vi.setConfig({ testTimeout: 900_000 });

const photos = '../shared/data/imagenette96';
const here = existsSync(photos);

describe.skipIf(!here)(`on real photographs${here ? '' : ` (skipped: ${photos} is not here)`}`, () => {
  const folder = scratchFolder();

  it('the loss falls well below log(2N−1), and positives stand out in the similarity matrix', async () => {
    const settings = parseSettings({
      imageSize: 32,
      batchSize: 16,
      steps: 150,
      cropMin: 0.3,
      knnEvery: 0,
      split: 'unlabeled',
    });
    const gpu = await Gpu.open();
    const dataset = await openDataset(photos, { split: 'unlabeled', size: 32, probe: false });
    expect(dataset.train.count).toBe(5000);
    const run = RunFolder.create(join(folder, 'run'), {
      version: 1,
      data: photos,
      settings,
      images: dataset.train.count,
      adapter: gpu.traits.adapter,
      started: new Date().toISOString(),
    });
    const drawn: { step: number; positives: number; negatives: number }[] = [];
    const trainer = await Trainer.create(gpu, dataset, settings, run, {
      onFigure: (step, positives, negatives) => drawn.push({ step, positives, negatives }),
    });
    await trainer.run();
    trainer.destroy();
    gpu.destroy();

    const losses = metrics(run.path)
      .filter(({ type }) => type === 'step')
      .map(({ loss }) => loss);
    const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
    expect(mean(losses.slice(-30))).toBeLessThan(0.82 * Math.log(31));

    // The two diagonals: a view is most like the other view of its photo, by a margin that untrained weights do not show.
    const [before, after] = drawn;
    expect(before.step).toBe(0);
    expect(before.positives - before.negatives).toBeLessThan(0.15);
    expect(after.positives - after.negatives).toBeGreaterThan(0.2);
    expect(readFileSync(run.file('figures', 'similarity-step-00000150.png')).length).toBeGreaterThan(1000);
  });
});
