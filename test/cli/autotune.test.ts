import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { ensureSampleSet } from '../../src/data/sample.ts';
import { scratchFolder, start, tiny } from './run.ts';

// Seconds each on a machine of its own; tests of other files may share it.
vi.setConfig({ testTimeout: 900_000 });

const folder = scratchFolder();
const data = join(folder, 'sample');
const cache = join(folder, 'cache');
const args = ['--data', data, ...tiny, '--epochs', '1', '--steps', '2'];
const train = (...more: string[]) =>
  start(['train', ...more], process.cwd(), { ...process.env, XDG_CACHE_HOME: cache }).done;
const read = (...path: string[]) => JSON.parse(readFileSync(join(...path), 'utf8'));

it('without tuning the fixed table is used and nothing is measured', async () => {
  ensureSampleSet(data, { train: 10, test: 10, unlabeled: 10 });
  const fixed = join(folder, 'fixed');
  expect((await train(...args, '--out', fixed, '--no-autotune')).code).toBe(0);
  expect(read(fixed, 'kernels.json').variants).toBeNull();
  const plan = await train(...args, '--image-size', '32', '--batch-size', '8', '--dry-run');
  expect(plan.out).toMatch(
    /^kernels +as measured on this device for 0 of [1-9]\d* ops and shapes that have variants,/m,
  );
  expect(existsSync(join(cache, 'simclr-webgpu'))).toBe(false); // Mesa keeps its shaders beside it;
});
