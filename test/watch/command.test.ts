/** `simclr watch` as users run it: beside a training, stopped by Ctrl-C, and with what it cannot watch. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { RunList } from '../../src/watch/wire.ts';
import { drawnPhotos } from '../cli/photos.ts';
import { run, type Started, scratchFolder, start, tiny } from '../cli/run.ts';
import { makeRun } from './runs.ts';

const scratch = scratchFolder();
const env = { ...process.env, XDG_CACHE_HOME: join(scratch, 'cache') };
const started: Started[] = [];
afterEach(async () => {
  for (const { child, done } of started.splice(0)) {
    child.kill('SIGKILL');
    await done;
  }
});

function begin(args: readonly string[]): Started {
  const one = start(args, process.cwd(), env);
  started.push(one);
  return one;
}

/** Starts `simclr watch`, and waits for its address. */
async function watch(...args: string[]): Promise<Started & { url: string }> {
  const one = begin(['watch', ...args]);
  await expect.poll(() => one.out(), { timeout: 30_000 }).toMatch(/Ctrl-C/);
  return { ...one, url: /http:\S+/.exec(one.out())![0] };
}
const runsAt = async (url: string): Promise<RunList> => (await fetch(`${url}runs`)).json() as Promise<RunList>;

it('follows a training from before its first step to its end; Ctrl-C ends it, and leaves the run alone', async () => {
  const folder = join(scratch, 'runs');
  mkdirSync(folder);
  makeRun(join(folder, 'old')).steps(1, 3);
  const photos = drawnPhotos(join(scratch, 'photos'), 12, 16);
  const { url, child, done, out } = await watch(folder);
  expect(out()).toContain(`watching   ${folder}: 1 run`);
  const own = async () => (await runsAt(url)).runs.find(({ name }) => name === 'new');
  const flags = ['--data', photos, '--out', join(folder, 'new'), ...tiny, '--no-autotune', '--epochs', '4'];
  const training = begin(['train', ...flags]);
  const seen = new Set<string | undefined>();
  await expect
    .poll(
      async () => {
        const told = await own();
        seen.add(told && `${told.status} ${told.step > 0}`);
        return told?.status === 'finished' || training.child.exitCode;
      },
      { timeout: 240_000, interval: 250 },
    )
    .toBe(true);
  expect((await training.done).code).toBe(0);
  expect([...seen]).toContain('running true');
  const told = (await own())!;
  expect(told).toMatchObject({ status: 'finished', step: 12, steps: 12, epoch: 4, epochs: 4, warnings: [] });
  // What the method says of its numbers is there without an epoch's line.
  expect(told.legend['loss'].reference).toEqual({ value: Math.log(7), text: 'chance log(2N−1)' });
  expect(told.legend['embeddingStd'].reference?.text).toBe('healthy: about 1/√128');
  child.kill('SIGINT');
  expect(await done).toMatchObject({ code: 0, err: '' });
}, 300_000);

it('has the same address when it is started again, and another where that is taken', async () => {
  const folder = join(scratch, 'again');
  makeRun(join(folder, 'run')).steps(1, 3);
  const first = await watch(folder);
  const beside = await watch(folder);
  expect(beside.url).not.toBe(first.url);
  for (const { child, done } of [first, beside]) {
    child.kill('SIGTERM');
    expect((await done).code).toBe(0);
  }
  expect((await watch(folder)).url).toBe(beside.url);
});

it('tells in a line what it cannot watch', async () => {
  const empty = join(scratch, 'empty');
  mkdirSync(empty);
  const file = join(scratch, 'file');
  writeFileSync(file, '');
  const other = createServer();
  await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
  const { port } = other.address() as { port: number };
  const full = join(scratch, 'full');
  makeRun(join(full, 'run')).steps(1, 2);
  const told: [string[], number, RegExp][] = [
    [[join(scratch, 'nowhere')], 1, /nowhere: no such folder; give a run, or a folder of runs/],
    [[file], 1, /file: a file; give the folder of a run/],
    [[full, empty], 1, /empty: holds no run; give the folder of a run/],
    [[full, '--port', String(port)], 1, /--port \d+: in use by another program; choose another/],
    [['--port', 'x'], 2, /--port <number>' argument 'x' is invalid. Give a number from 1 to 65535/],
    [['--prt', '1'], 2, /unknown option '--prt'/],
  ];
  for (const [args, code, message] of told) {
    const ended = await run('watch', ...args);
    expect([ended.code, ended.out]).toEqual([code, '']);
    expect(ended.err.trim().split('\n')[0]).toMatch(message);
  }
  other.close();
});
