/** What is told of runs, while they train, end, resume, are damaged, come and go. */
import { mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { lockFolder } from '../../src/io/folder_lock.ts';
import { WatchedRun } from '../../src/watch/watched_run.ts';
import { Watcher } from '../../src/watch/watcher.ts';
import { scratchFolder } from '../cli/run.ts';
import { allRuns, checkpoint, lossAt, makeRun } from './runs.ts';

const scratch = scratchFolder();
let root: string;
let number = 0;
beforeEach(() => {
  root = join(scratch, String(number++));
  mkdirSync(root);
});

/** A run as it is told now. */
async function told(path: string, run = new WatchedRun({ path, name: 'run' })) {
  await run.refresh();
  return { run, ...run.summary! };
}
const all = { axis: 'step', points: 1000 } as const;

describe('a run', () => {
  it('tells how far it is, its newest numbers, and what they are to be compared with', async () => {
    const made = makeRun(join(root, 'run'));
    made.line({ type: 'probe', step: 0, knn: 0.2, majority: 0.11 });
    made.steps(1, 10, { embeddingStd: 0.05 });
    made.line({ type: 'epoch', epoch: 1, epochs: 4, step: 10, loss: 3, chance: 4.8, knn: 0.5, memory: 1000 });
    made.steps(11, 14);
    made.line({ type: 'warning', step: 12, kind: 'collapse', message: 'all alike', remedy: 'do less' });
    const summary = await told(made.path);
    expect(summary).toMatchObject({ method: 'simclr', step: 14, steps: 40, epoch: 2, epochs: 4, bestKnn: 0.5 });
    expect(summary.latest).toMatchObject({ loss: lossAt(14), knn: 0.5, memory: 1000, embeddingStd: 0.05 });
    expect(summary.legend['loss']?.reference).toEqual({ value: 4.8, text: 'chance' });
    expect(summary.legend['knn']?.reference?.value).toBe(0.11);
    expect(summary.warnings).toEqual([{ kind: 'collapse', step: 12, message: 'all alike', remedy: 'do less' }]);
    expect(summary.settings).toMatchObject({ method: 'simclr', lr: 0.001, data: '/photos' });
  });

  it('series: numbers of steps by step, others by epoch, on every axis', async () => {
    const made = makeRun(join(root, 'run'));
    made.steps(1, 10);
    made.line({ type: 'epoch', epoch: 1, step: 10, loss: 3, knn: 0.5, time: 1_700_000_020 });
    made.steps(11, 20);
    const { run } = await told(made.path);
    const series = run.series(all);
    expect(series['loss'].x).toHaveLength(20);
    expect(series['knn']).toMatchObject({ x: [10], mean: [0.5] });
    expect(run.series({ ...all, axis: 'epoch' })['loss'].x.at(-1)).toBe(2);
    expect(run.series({ ...all, axis: 'time' })['loss'].x[4]).toBe(4);
  });

  it('steps that are run again after a resume replace the old ones, whether the file was rewound or not', async () => {
    const made = makeRun(join(root, 'run'));
    made.steps(1, 20);
    made.line({ type: 'epoch', epoch: 2, step: 20, loss: 3, knn: 0.9 });
    made.line({ type: 'warning', step: 20, kind: 'chance', message: 'late', remedy: '' });
    const { run } = await told(made.path);
    made.steps(16, 18, { loss: 7 });
    const { latest, step, warnings } = await told(made.path, run);
    expect({ step, loss: latest['loss'], knn: latest['knn'] }).toEqual({ step: 18, loss: 7, knn: undefined });
    expect(warnings).toEqual([]);
    expect(run.series(all)['loss'].x).toHaveLength(18);
  });

  it('a damaged config or line is told, and the rest is shown', async () => {
    const made = makeRun(join(root, 'run'));
    made.steps(1, 3);
    made.text('{"type":"ste\n');
    expect((await told(made.path)).problem).toBe('1 damaged lines in metrics.jsonl');
    const other = makeRun(join(root, 'other'));
    other.steps(1, 3);
    writeFileSync(join(other.path, 'config.json'), '{"settings":');
    expect(await told(other.path)).toMatchObject({ method: 'unknown', step: 3 });
    expect((await told(other.path)).problem).toMatch(/^config.json cannot be read: /);
  });

  it('pictures by kind and step; links and other files are none', async () => {
    const made = makeRun(join(root, 'run'));
    for (const name of ['pairs-step-00000000.png', 'similarity-step-00000010.png', 'similarity-step-00000000.png'])
      made.picture(name);
    writeFileSync(join(made.path, 'figures', 'notes.txt'), '');
    symlinkSync('/etc/passwd', join(made.path, 'figures', 'evil-step-00000001.png'));
    const { figures } = await told(made.path);
    expect(figures.map(({ name, stages }) => [name, stages.map(({ step }) => step)])).toEqual([
      ['pairs', [0]],
      ['similarity', [0, 10]],
    ]);
  });
});

describe('the status of a run', () => {
  const status = async (path: string) => (await told(path)).status;

  it('running while a process holds its lock, which looking does not touch', async () => {
    const made = makeRun(join(root, 'run'));
    const unlock = lockFolder(made.path);
    expect(await status(made.path)).toBe('running');
    expect(() => lockFolder(made.path)).toThrow('is training in this folder');
    unlock();
    expect(await status(made.path)).toBe('new');
  });

  it('finished: all its steps are in a checkpoint, or a stage says so', async () => {
    const made = makeRun(join(root, 'run'));
    made.steps(1, 40);
    expect(await status(made.path)).toBe('failed');
    checkpoint(made, 40);
    expect(await status(made.path)).toBe('finished');
    const stage = makeRun(join(root, 'stage'));
    stage.steps(1, 5);
    writeFileSync(join(stage.path, 'result.json'), '{}');
    expect(await status(stage.path)).toBe('finished');
  });

  it('interrupted: what it did is saved; failed: it logged more than it saved', async () => {
    const made = makeRun(join(root, 'run'));
    made.steps(1, 20);
    checkpoint(made, 20);
    expect(await status(made.path)).toBe('interrupted');
    made.steps(21, 23);
    expect(await status(made.path)).toBe('failed');
  });

  it('failed: its process was killed, and has left its lock', async () => {
    const made = makeRun(join(root, 'run'));
    made.steps(1, 20);
    checkpoint(made, 20);
    writeFileSync(join(made.path, 'run.lock'), JSON.stringify({ pid: 2 ** 30, host: hostname(), started: 'then' }));
    expect(await status(made.path)).toBe('failed');
  });

  it('of a run on another machine: running while it writes', async () => {
    const made = makeRun(join(root, 'run'));
    writeFileSync(join(made.path, 'run.lock'), JSON.stringify({ pid: 1, host: 'another', started: 'then' }));
    made.line({ type: 'step', step: 1, epoch: 1, loss: 1, time: Date.now() / 1000 });
    expect(await status(made.path)).toBe('running');
    made.line({ type: 'step', step: 1, epoch: 1, loss: 1, time: Date.now() / 1000 - 3600 });
    expect(await status(made.path)).toBe('silent');
  });

  it('interrupted: a supervised training whose checkpoint is newer than its log', async () => {
    const made = makeRun(join(root, 'run'));
    made.steps(1, 5);
    const file = join(made.path, 'checkpoint.safetensors');
    writeFileSync(file, '');
    expect(await status(made.path)).toBe('interrupted');
    utimesSync(file, 1000, 1000);
    expect(await status(made.path)).toBe('failed');
  });
});

describe('folders of runs', () => {
  it('finds those of experiments and comparisons, and follows no link', async () => {
    makeRun(join(root, 'a')).steps(1, 2);
    makeRun(join(root, 'experiment', 'seed-1', 'pretrain')).steps(1, 2);
    makeRun(join(root, '.hidden', 'run')).steps(1, 2);
    const elsewhere = makeRun(join(scratch, `elsewhere-${number}`, 'run'));
    elsewhere.steps(1, 2);
    symlinkSync(elsewhere.path, join(root, 'link'));
    const runs = await allRuns(new Watcher([root]));
    expect(runs.map(({ name }) => name)).toEqual(['a', 'experiment/seed-1/pretrain']);
  });

  it('a run that is watched by itself has the name of its folder; a folder that is given twice is one', async () => {
    const { path } = makeRun(join(root, 'own'));
    const runs = await allRuns(new Watcher([path, root, path]));
    expect(runs.map(({ name }) => name)).toEqual(['own']);
  });

  it('runs that begin appear, and those that are removed go', async () => {
    const watcher = new Watcher([join(root, 'runs')]);
    expect(await allRuns(watcher)).toEqual([]); // the folder itself is not there yet
    makeRun(join(root, 'runs', 'new')).steps(1, 2);
    await expect
      .poll(async () => (await watcher.list()).runs.map(({ name }) => name), { timeout: 10_000 })
      .toEqual(['new']);
    rmSync(join(root, 'runs', 'new'), { recursive: true });
    await expect.poll(async () => (await watcher.list()).runs, { timeout: 10_000 }).toEqual([]);
  });
});
