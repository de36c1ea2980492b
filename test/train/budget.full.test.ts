import { describe, expect, it } from 'vitest';
import { Gpu } from '../../src/gpu/device.ts';
import { fitToBudget, leastSteps, measurePace, median, stepsWithin, withSteps } from '../../src/train/budget.ts';
import { parseSettings } from '../../src/train/settings.ts';
import { adapters } from '../ops/harness.ts';
import { drawn } from './drawn.ts';

const settings = parseSettings({ imageSize: 16, batchSize: 4, knnEvery: 1, knnImages: 20 });

describe('steps that fit into a time', () => {
  const pace = { stepSeconds: 0.5, setupSeconds: 5 };
  const quiet = { ...settings, knnEvery: 0 };

  it('are what is left of it after set-up, at the measured pace', () => {
    expect(stepsWithin(100, pace, quiet, 50, 0)).toBe(180); // (100 · 0.95 − 5) / 0.5
    expect(stepsWithin(100, { ...pace, stepSeconds: 5 }, quiet, 50, 0)).toBe(18);
  });

  it('leave time for probes, at both ends and after the epochs that have one', () => {
    // A probe of 48 images costs two steps of 4 pairs: 1 s. Two of them at the ends, and one in 50 steps or in 100.
    expect(stepsWithin(100, pace, { ...settings, knnEvery: 1 }, 50, 48)).toBe(Math.floor(88 / 0.52));
    expect(stepsWithin(100, pace, { ...settings, knnEvery: 2 }, 50, 48)).toBe(Math.floor(88 / 0.51));
  });

  it('are never none, however late it is', () => {
    expect(stepsWithin(-20, pace, quiet, 50, 0)).toBe(leastSteps);
  });

  it('are recorded with the epochs in which they lie', () => {
    expect(withSteps(settings, 101, 50)).toEqual({ ...settings, steps: 101, epochs: 3 });
    expect(withSteps(settings, 100, 50)).toMatchObject({ steps: 100, epochs: 2 });
  });
});

it('the median of an even and an odd number of values', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([9, 1, 2, 4])).toBe(3);
});

describe.each(adapters)('on %s', (adapter) => {
  const dataset = { train: drawn('unlabeled', 40, 16) };

  it('a step takes time, and nothing stays on the device', async () => {
    const gpu = await Gpu.open({ adapter });
    const timed: number[] = [];
    const pace = await measurePace(gpu, dataset, settings, { onTimed: (done) => timed.push(done) });
    expect(pace.stepSeconds).toBeGreaterThan(0);
    expect(pace.setupSeconds).toBeGreaterThan(0);
    expect(timed[0]).toBe(0); // the first step is run, and not counted
    expect(timed.at(-1)).toBeGreaterThan(0);
    expect(gpu.bytes).toBe(0);
    gpu.destroy();
  });

  it('falls back to smaller sizes while too few steps fit, in their order', async () => {
    const gpu = await Gpu.open({ adapter });
    const smaller = [{ batchSize: 3 }, { batchSize: 2 }];
    const sized = (enough: number) => fitToBudget(gpu, dataset, settings, { secondsLeft: () => 600, smaller, enough });
    expect((await sized(1)).settings.batchSize).toBe(4);
    expect((await sized(10_000_000)).settings).toMatchObject({ batchSize: 2, imageSize: 16 });
    gpu.destroy();
  });

  it('refuses a batch that there are too few images for', async () => {
    const gpu = await Gpu.open({ adapter });
    await expect(measurePace(gpu, dataset, { ...settings, batchSize: 64 })).rejects.toThrow(
      /fewer than --batch-size 64/,
    );
    gpu.destroy();
  });
});
