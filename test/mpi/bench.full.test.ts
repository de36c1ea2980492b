/** `npm run bench:mpi`: what processes exchange is what the cost model says. */
import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it, vi } from 'vitest';
import type { RankReport } from '../../bench/mpi_rank.ts';
import { scratchFolder } from '../cli/run.ts';
import { describeMpi } from './mpirun.ts';

vi.setConfig({ testTimeout: 600_000 });

const folder = scratchFolder();
// Not bench/dist, which other tests build at the same time; packages are found from here too.
const out = resolve('node_modules/.cache/bench-mpi');
afterAll(() => rmSync(out, { recursive: true, force: true }));
const run = promisify(execFile);

describeMpi('the benchmark of several processes', () => {
  it('counts the bytes that the model has, and times steps and exchanges', async () => {
    await run(process.execPath, ['bench/build.mjs', out]);
    const json = join(folder, 'mpi.json');
    const sizes = ['--ranks', '2', '--pairs', '4', '--image-size', '32', '--width', '0.25', '--steps', '1'];
    const { stdout } = await run(process.execPath, [join(out, 'mpi.js'), ...sizes, '--json', json]);
    expect(stdout).toMatch(/^1 +[\d.]+ +1\.00 +0\.0 %$/m);
    expect(stdout).toMatch(/2, gradients +1 +3\.\d MiB +3\.\d MiB/);
    const { reports } = JSON.parse(readFileSync(json, 'utf8')) as { reports: RankReport[] };
    const [one, two] = reports;
    expect(one.costs).toEqual({});
    expect(two.costs['gradients'].bytes).toBe(4 * two.gradients);
    expect(two.costs['embeddings'].bytes).toBe((4 * 2 * 4 * two.embeddingDim) / 2);
    expect(two.sums.every(({ milliseconds }) => milliseconds > 0)).toBe(true);
  });
});
