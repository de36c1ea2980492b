import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it, vi } from 'vitest';
import { ensureSampleSet } from '../../src/data/sample/sample.ts';
import { run, scratchFolder, steps, tiny } from './run.ts';

// Seconds each on a machine of its own; tests of other files may share it.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const folder = scratchFolder();
const data = join(folder, 'sample');
const pieces = join(folder, 'pieces');
const settings = ['--data', data, ...tiny, '--steps', '4', '--checkpoint-steps', '2'];

beforeAll(async () => {
  ensureSampleSet(data, { train: 10, test: 10, unlabeled: 20 });
  const { code, err } = await run('train', ...settings, '--micro-batch', '2', '--out', pieces);
  expect(err).toBe('');
  expect(code).toBe(0);
});

const checkpoint = (path: string, step: number) =>
  join(path, 'checkpoints', `step-${String(step).padStart(8, '0')}.safetensors`);

it('a run in pieces that is resumed within an epoch is the run that was not stopped, bit for bit', async () => {
  const path = join(folder, 'resumed');
  cpSync(pieces, path, { recursive: true });
  rmSync(checkpoint(path, 4));
  const { code, out, err } = await run('train', '--resume', path);
  expect(err).toBe('');
  expect(code).toBe(0);
  expect(out).toMatch(/resuming after step 2/);
  expect(steps(path)).toEqual(steps(pieces));
  // Files as a whole: comparing eleven million numbers one by one takes minutes.
  expect(readFileSync(checkpoint(path, 4)).equals(readFileSync(checkpoint(pieces, 4)))).toBe(true);
});

it('one line where the pieces do not make up the batch', async () => {
  const { code, err } = await run('train', ...settings, '--micro-batch', '3');
  expect(code).toBe(2);
  expect(err).toMatch(
    /^simclr: --micro-batch \(3\) must divide --batch-size \(4\): all micro-batches have the same size\n$/,
  );
});

it('--dry-run and --profile show all phases of a step', async () => {
  const plan = await run('train', ...settings, '--micro-batch', '1', '--dry-run');
  expect(plan.out).toMatch(/phases: 4 × embeddings, loss, 4 × gradients, update/);
  expect(plan.out).toMatch(/conv2d +40 +\d+ /);
  expect(plan.out).toMatch(/peak memory [\d.]+ MiB/);
  const profile = await run('train', ...settings, '--micro-batch', '2', '--profile');
  expect(profile.out).toMatch(/add_inplace +2 /);
  expect([plan.code, profile.code]).toEqual([0, 0]);
});
