/** Command lines under a launcher of MPI, in the process of the test: who tells what, and which folder is whose. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { simclr } from '../../src/cli/program.ts';
import { checkProcesses, folderOf } from '../../src/cli/rank_data.ts';
import type { Team } from '../../src/cli/ranks.ts';
import { UserError } from '../../src/errors.ts';
import type { RunConfig } from '../../src/train/run_config.ts';

const root = mkdtempSync(join(tmpdir(), 'simclr-cli-ranks-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** What a process of several prints of a command line, and how it ends. */
async function told(rank: number, ...args: string[]) {
  vi.stubEnv('OMPI_COMM_WORLD_RANK', String(rank));
  vi.stubEnv('OMPI_COMM_WORLD_SIZE', '3');
  const texts: string[] = [];
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((text) => Boolean(texts.push(String(text))));
  const error = await simclr()
    .parseAsync(args, { from: 'user' })
    .catch((thrown: unknown) => thrown);
  return { error, text: texts.join('') };
}

it.each([['methods'], ['info'], ['eval', 'kmeans', '--checkpoint', 'a', '--data', 'b'], ['compare', '--data', 'b']])(
  '%s %s is for one process: the first tells, others are silent',
  async (...args) => {
    const first = await told(0, ...args);
    expect(first.error).toBeInstanceOf(UserError);
    expect(first.error).toMatchObject({ exitCode: 2 });
    expect(`${first.error}`).toMatch(
      /^UserError: (methods|info|eval kmeans|compare) runs in one process, and mpirun \(Open MPI\) has started 3; start it without$/,
    );
    const other = await told(2, ...args);
    expect(other.error).toBeInstanceOf(CommanderError);
    expect(other).toMatchObject({ error: { exitCode: 2 }, text: '' });
  },
);

it.each([
  [['--version'], 0],
  [['train', '--help'], 0],
  [['train', '--no-such-flag'], 1],
])('%j is answered by the first only', async (args, exitCode) => {
  const first = await told(0, ...args);
  expect(first).toMatchObject({ error: { exitCode } });
  expect(first.text).not.toBe('');
  expect(await told(1, ...args)).toMatchObject({ error: { exitCode }, text: '' });
});

const team = (rank: number, size: number): Team => ({ ranks: { rank, size }, localRank: 0 }) as Team;

it('{rank} is the number of the process, and of one by itself only the name of a folder that is there', () => {
  const pattern = join(root, 'part-{rank}', 'of-{rank}');
  expect(folderOf(pattern, team(3, 4))).toBe(join(root, 'part-3', 'of-3'));
  expect(folderOf(root, team(3, 4))).toBe(root);
  expect(() => folderOf(pattern, undefined)).toThrow(/\{rank\} stands for the number of each process/);
  mkdirSync(pattern, { recursive: true });
  expect(folderOf(pattern, undefined)).toBe(pattern);
});

it('a run goes on with as many processes where each has images of its own', () => {
  const config = (parts?: number[]) => ({ parts }) as unknown as RunConfig;
  const check = (parts: number[] | undefined, data: string, of: Team | undefined) =>
    checkProcesses('run', data, config(parts), of);
  check([5, 6], 'part-{rank}', team(0, 2));
  check(undefined, 'photos', team(0, 2));
  check(undefined, 'photos', undefined);
  expect(() => check([5, 6], 'part-{rank}', undefined)).toThrow(/2 processes .* now there is one; resume it with 2$/);
  expect(() => check([5, 6], 'part-{rank}', team(0, 3))).toThrow(/now there are 3; resume it with 2$/);
  expect(() => check([5, 6], 'photos', team(0, 2))).toThrow(/started with a folder for each process; give --data with/);
  expect(() => check(undefined, 'part-{rank}', team(0, 2))).toThrow(
    /one folder for all processes; give --data without/,
  );
});
