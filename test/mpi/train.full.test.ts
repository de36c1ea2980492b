/** `mpirun … simclr train` on photos: the losses of one process, and what happens when a process fails or is asked to stop. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { isRunning } from '../../src/io/files.ts';
import { drawnPhotos } from '../cli/photos.ts';
import { metrics, run, scratchFolder, steps, tiny } from '../cli/run.ts';
import { describeMpi, mpirun } from './mpirun.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const folder = scratchFolder();
const data = drawnPhotos(join(folder, 'photos'), 10, 16);
// The kernels of the fixed table: the order of sums is the same in all processes and runs.
const settings = ['--data', data, ...tiny, '--epochs', '2', '--no-autotune', '--checkpoint-steps', '1', '--keep', '9'];
const train = (ranks: number, ...args: readonly string[]) =>
  mpirun(ranks, ['dist/cli.js', 'train', ...args], { ...process.env, COLUMNS: '1000' });

const checkpoints = (path: string): string[] => readdirSync(join(path, 'checkpoints')).sort();

/** Waits until a run has logged a step. */
async function reached(path: string, step: number): Promise<void> {
  for (;;) {
    try {
      if (steps(path).some((line) => line.step >= step)) return;
    } catch {
      // The file is not there yet.
    }
    await sleep(20);
  }
}

/** The process of a rank. */
function processOf(rank: number, path: string): number {
  const { stdout } = spawnSync('ps', ['-eo', 'pid='], { encoding: 'utf8' });
  const found = stdout
    .split('\n')
    .map(Number)
    .filter(Boolean)
    .find((pid) => isRank(pid, rank, path));
  if (found === undefined) throw new Error(`rank ${rank} is not running`);
  return found;
}

/** Waits until there is no such process. */
async function ended(pid: number): Promise<void> {
  while (isRunning(pid)) await sleep(20);
}

function isRank(pid: number, rank: number, path: string): boolean {
  try {
    const [words, env] = ['cmdline', 'environ'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0'));
    return words[0] === process.execPath && words.includes(path) && env.includes(`OMPI_COMM_WORLD_RANK=${rank}`);
  } catch {
    return false; // it has ended, or is another user's
  }
}

describeMpi('simclr train on several processes', () => {
  const one = join(folder, 'one');
  const two = join(folder, 'two');

  it('two processes of two images have the losses and the weights of one with --micro-batch 2', async () => {
    expect(await run('train', ...settings, '--micro-batch', '2', '--out', one)).toMatchObject({ code: 0, err: '' });
    const { code, out, err } = await train(2, ...settings, '--out', two).done;
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('2 processes share each batch');
    expect(out).toMatch(/ranks 0, 1 on .*, which they share/);
    expect(steps(two)).toEqual(steps(one));
    const epochs = metrics(two).filter(({ type }) => type === 'epoch');
    expect(epochs.map(({ communication }) => typeof (communication as { share: number }).share)).toEqual([
      'number',
      'number',
    ]);
    expect(checkpoints(two)).toEqual(checkpoints(one));
  });

  it('a run is resumed by another number of processes', async () => {
    const { code, out, err } = await train(4, '--resume', two, '--epochs', '3').done;
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('resuming after step 4');
    expect(steps(two).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    expect((await run('train', '--resume', two, '--epochs', '4')).code).toBe(0);
    expect(checkpoints(two)).toHaveLength(8);
  });

  it('a process that is killed ends all within seconds, and the run resumes as if nothing had been', async () => {
    const path = join(folder, 'killed');
    const started = train(2, ...settings, '--epochs', '20', '--out', path);
    await reached(path, 3);
    const start = performance.now();
    const first = processOf(0, path);
    process.kill(processOf(1, path), 'SIGKILL');
    const { code, err } = await started.done;
    expect(code).not.toBe(0);
    expect(err).toMatch(/rank 1 .*signal 9/);
    expect(performance.now() - start).toBeLessThan(20_000);
    expect(steps(path).at(-1)!.step).toBeLessThan(40);
    await ended(first); // the launcher does not wait until its threads are gone, and with them the lock on the folder
    expect(await train(2, '--resume', path, '--no-autotune').done).toMatchObject({ code: 0, err: '' });
    const whole = join(folder, 'whole');
    const alone = [...settings, '--epochs', '20', '--micro-batch', '2', '--out', whole];
    expect(await run('train', ...alone)).toMatchObject({ code: 0, err: '' });
    expect(steps(path)).toEqual(steps(whole));
  });

  it('SIGTERM to the launcher: all stop behind one step, which is saved', async () => {
    const path = join(folder, 'stopped');
    const patient = ['--mca', 'odls_base_sigkill_timeout', '5'];
    const words = ['dist/cli.js', 'train', ...settings, '--epochs', '200', '--out', path];
    const started = mpirun(2, words, { ...process.env, COLUMNS: '1000' }, patient);
    await reached(path, 3);
    started.child.kill('SIGTERM');
    const { out } = await started.done;
    const at = Number(/stopped at step (\d+)/.exec(out)?.[1]);
    expect(at).toBeGreaterThanOrEqual(3);
    expect(checkpoints(path).at(-1)).toBe(`step-${String(at).padStart(8, '0')}.safetensors`);
    expect(steps(path).at(-1)!.step).toBe(at);
  });

  it('--profile tells what is exchanged in a step, and leaves no folder', async () => {
    const { code, out } = await train(2, ...settings, '--profile', '--out', join(folder, 'profiled')).done;
    expect(code).toBe(0);
    expect(out).toMatch(/exchange, a step +calls +given +ms +not hidden/);
    for (const kind of ['embeddings', 'gradients', 'statistics'])
      expect(out).toMatch(new RegExp(`^${kind} +\\d+ `, 'm'));
    expect(out).toMatch(/\d % of the time of rank 0’s steps is exchange/);
    expect(readdirSync(folder)).not.toContain('profiled');
  });

  it('what cannot be trained so is refused in one line, and leaves no folder', async () => {
    const refused = async (ranks: number, ...args: string[]) => {
      const { code, err } = await train(ranks, ...settings, ...args, '--out', join(folder, 'refused')).done;
      return { code, told: err.split('\n').filter((line) => line.startsWith('simclr: ')) };
    };
    expect(await refused(2, '--method', 'gan')).toEqual({
      code: 2,
      told: [expect.stringContaining('rank 0: method gan does not train on several processes')],
    });
    expect(await refused(3)).toEqual({
      code: 2,
      told: [expect.stringContaining('--batch-size 4 is that of all 3 processes, and must be a multiple of 3')],
    });
    expect(await refused(2, '--dry-run')).toEqual({
      code: 2,
      told: [expect.stringContaining('--dry-run: only for a process by itself')],
    });
    expect(readdirSync(folder)).not.toContain('refused');
  });
});
