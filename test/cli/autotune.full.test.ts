import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { ensureSampleSet } from '../../src/data/sample/sample.ts';
import { scratchFolder, start, steps, tiny } from './run.ts';

// Every variant of every convolution of the network is compiled and run.
vi.setConfig({ testTimeout: 600_000 });

const folder = scratchFolder();
const data = join(folder, 'sample');
const cache = join(folder, 'cache');
/** Smaller convolutions are not worth measuring on a software adapter. */
const size = ['--width', '1', '--image-size', '32', '--batch-size', '8'];
const args = ['--data', data, ...tiny, ...size, '--epochs', '2'];
const train = (...more: string[]) =>
  start(['train', ...more], process.cwd(), { ...process.env, XDG_CACHE_HOME: cache }).done;
const read = (...path: string[]) => JSON.parse(readFileSync(join(...path), 'utf8'));
const cacheFiles = () => readdirSync(join(cache, 'simclr-webgpu', 'kernels')).filter((name) => name.endsWith('.json'));

it('without tuning the fixed table is used and nothing is measured', async () => {
  ensureSampleSet(data, { train: 10, test: 10, unlabeled: 10 });
  const fixed = join(folder, 'fixed');
  expect((await train(...args, '--out', fixed, '--no-autotune')).code).toBe(0);
  expect(read(fixed, 'kernels.json').variants).toBeNull();
  const plan = await train(...args, '--dry-run');
  expect(plan.out).toMatch(
    /^kernels +as measured on this device for 0 of [1-9]\d* ops and shapes that have variants,/m,
  );
  expect(existsSync(join(cache, 'simclr-webgpu'))).toBe(false); // Mesa keeps its shaders beside it
});

it('kernels are measured once, kept in the cache, and recorded in the run, which goes on with the same', async () => {
  const first = join(folder, 'first');
  const tuned = await train(...args, '--out', first);
  expect(tuned.err).toBe('');
  expect(tuned.out).not.toContain('note:');
  expect(cacheFiles()).toHaveLength(1);
  const { variants } = read(first, 'kernels.json');
  const keys = Object.keys(variants);
  expect(keys.some((key) => key.startsWith('conv2d_backward_weight f32['))).toBe(true);

  // A plan takes what was measured.
  const plan = await train(...args, '--dry-run');
  expect(plan.out).toMatch(/^kernels +as measured on this device for (\d+) of \1 ops and shapes that have variants,/m);
  expect((await train(...args, '--dry-run', '--no-autotune')).out).toMatch(/^kernels +by the fixed table$/m);

  // A cache that says otherwise shows whether the record of the run goes first.
  const file = join(cache, 'simclr-webgpu', 'kernels', cacheFiles()[0]);
  const found = read(file);
  for (const key of keys) found.found[key].variant = 'portable';
  writeFileSync(file, JSON.stringify(found));
  rmSync(join(first, 'checkpoints', 'step-00000002.safetensors'));
  expect(await train('--resume', first)).toMatchObject({ code: 0, err: '' });
  expect(read(first, 'kernels.json').variants).toEqual(variants);
  expect(steps(first)).toHaveLength(2);
});
