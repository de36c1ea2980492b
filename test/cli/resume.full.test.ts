import { cpSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { lockFolder } from '../../src/io/folder_lock.ts';
import { drawImages, reached, resumable, tensors, weightsOf } from './resume.ts';
import { metrics, run, scratchFolder, start, steps } from './run.ts';

// Processes are started and killed a dozen times, on two cores that other tests use too.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const folder = scratchFolder();
const data = join(folder, 'sample');
const settings = resumable(data);

beforeAll(() => drawImages(data));

describe('a run that is stopped and resumed is the run that was not stopped', () => {
  const straight = join(folder, 'straight');

  beforeAll(async () => {
    const { code, err } = await run('train', ...settings, '--out', straight);
    expect(err).toBe('');
    expect(code).toBe(0);
  });

  it('logs every step and both epochs, and keeps the last three checkpoints', () => {
    expect(steps(straight).map(({ step }) => step)).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
    expect(metrics(straight).filter(({ type }) => type === 'epoch')).toHaveLength(2); // of 12 steps, the second cut to 4
    expect([...tensors(straight, 16).keys()]).toContain('module.layer4.1.bn2.num_batches_tracked');
  });

  it('interrupted by Ctrl-C: finishes the step, saves, says how to go on, exits with 130', async () => {
    const path = join(folder, 'interrupted');
    const started = start(['train', ...settings, '--out', path]);
    await reached(started, path, 5);
    started.child.kill('SIGINT');
    const { code, out } = await started.done;
    expect(code).toBe(130);
    expect(out).toContain(`train --resume ${path}`);
    const at = steps(path).length;
    expect(tensors(path, at).has('optimizer.main.exp_avg.conv1.weight')).toBe(true);
    expect((await run('train', '--resume', path)).code).toBe(0);
    expect(steps(path)).toEqual(steps(straight));
  });

  it('killed (SIGKILL) at three random steps: the same numbers, the same weights', async () => {
    const path = join(folder, 'killed');
    let started = start(['train', ...settings, '--out', path]);
    const kills = [2, 7, 12].map((first) => first + Math.floor(Math.random() * 4));
    for (const kill of kills) {
      await reached(started, path, kill);
      started.child.kill('SIGKILL');
      await started.done;
      started = start(['train', '--resume', path]);
    }
    const { code, err } = await started.done;
    expect(err, `killed at ${kills}`).toBe('');
    expect(code).toBe(0);
    expect(steps(path), `killed at ${kills}`).toEqual(steps(straight));
    expect(weightsOf(path, 16)).toBe(weightsOf(straight, 16));
  });

  it('a finished run resumes to nothing, with the same checkpoint', async () => {
    const before = readFileSync(join(straight, 'metrics.jsonl'), 'utf8');
    expect((await run('train', '--resume', straight)).code).toBe(0);
    expect(readFileSync(join(straight, 'metrics.jsonl'), 'utf8')).toBe(before);
  });

  it('passes over a checkpoint that was cut, and says so', async () => {
    const path = join(folder, 'cut');
    cpSync(straight, path, { recursive: true });
    truncateSync(join(path, 'checkpoints', 'step-00000016.safetensors'), 1000);
    const { code, out, err } = await run('train', '--resume', path);
    expect(err).toBe('');
    expect(code).toBe(0);
    expect(out).toMatch(/step-00000016\.safetensors.*looking for an older checkpoint/);
    expect(out).toMatch(/resuming after step 12/);
    expect(steps(path)).toEqual(steps(straight));
  });

  it('finds its images from another folder, and lets one process train at a time', async () => {
    const path = join(folder, 'locked');
    cpSync(straight, path, { recursive: true });
    rmSync(join(path, 'checkpoints', 'step-00000016.safetensors'));
    const unlock = lockFolder(path);
    const refused = await run('train', '--resume', path);
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(new RegExp(`process ${process.pid} is training in this folder`));
    unlock();
    expect((await start(['train', '--resume', path], folder).done).code).toBe(0);
    expect(steps(path)).toEqual(steps(straight));
  });

  it('refuses what makes no sense with --resume', async () => {
    for (const [flags, message] of [
      [['--dry-run'], /omit --dry-run/],
      [['--out', 'x'], /omit --out/],
    ] as const) {
      const { code, err } = await run('train', '--resume', straight, ...flags);
      expect(code).toBe(2);
      expect(err).toMatch(message);
    }
    const adapter = await run('train', '--resume', straight, '--adapter', 'Voodoo 2');
    expect(adapter.code).toBe(1);
    expect(adapter.err).toMatch(/no adapter has 'Voodoo 2' in its name; available: /);
  });

  it('refuses other settings on --resume, and a second run in the same folder', async () => {
    const other = await run('train', '--resume', straight, '--lr', '0.5');
    expect(other.code).toBe(2);
    expect(other.err).toMatch(/omit --lr \(only --epochs and --steps can be raised\)\n$/);
    const again = await run('train', ...settings, '--out', straight);
    expect(again.code).toBe(1);
    expect(again.err).toMatch(/already contains a run; continue it with --resume/);
  });
});
