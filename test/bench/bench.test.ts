/** The benchmark as one runs it: built, in a process of its own, at a size that a software adapter does in a second. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Report, reportSchema } from '../../bench/report.ts';
import { adapters } from '../ops/harness.ts';

const tfjs = existsSync('node_modules/@tensorflow/tfjs-backend-webgpu');
const folder = mkdtempSync(join(tmpdir(), 'bench-'));
beforeAll(() => void execFileSync(process.execPath, ['bench/build.mjs'], { stdio: 'inherit' }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const tiny = ['--pairs', '2', '--image-size', '32', '--runs', '1', '--adapter', adapters[0] ?? 'none'];

async function bench(...args: string[]): Promise<{ report: Report; out: string }> {
  const json = join(folder, 'report.json');
  const { stdout } = await promisify(execFile)(process.execPath, [
    'bench/dist/main.js',
    ...tiny,
    ...args,
    '--json',
    json,
  ]);
  return { report: reportSchema.parse(JSON.parse(readFileSync(json, 'utf8'))), out: stdout };
}

it('times a step without a peer', async () => {
  const { report, out } = await bench('--op', 'step', '--peer', 'none');
  const [row] = report.rows;
  expect(row).toMatchObject({ name: 'step', shape: '2 pairs 32×32', runs: 1, peers: {}, ratio: {}, agreement: {} });
  expect(row.spread['ours'][0]).toBeLessThanOrEqual(row.ours_ms);
  // A step of 2 pairs at 96×96 has 2.0 GFLOP an image; the maps are 9 times smaller, but the head's and the weights' work is not.
  const gflop = (row.gflops * row.ours_ms) / 1000;
  expect(gflop).toBeGreaterThan(4 * (2 / 9));
  expect(gflop).toBeLessThan(4 * (2 / 9) * 2);
  expect(report.adapter).toBe(adapters[0]);
  expect(out).toContain('step 2 pairs 32×32');
});

describe.skipIf(!tfjs)(`tfjs${tfjs ? '' : ' (skipped: @tensorflow/tfjs-backend-webgpu is not installed)'}`, () => {
  it.each([
    ['step', 2],
    ['conv2d', 2],
    ['nt_xent', 1],
  ])('computes what ours does: %s', async (op, settings) => {
    const { report } = await bench('--op', op, '--peer', 'tfjs');
    const [row] = report.rows;
    expect(Object.keys(row.settings['tfjs'])).toHaveLength(settings);
    expect(Object.keys(row.agreement)).toHaveLength(settings);
    for (const { distance, allowed } of Object.values(row.agreement)) expect(distance).toBeLessThanOrEqual(allowed);
    expect(row.ratio['tfjs']).toBeCloseTo(row.peers['tfjs'] / row.ours_ms);
    expect(row.peers['tfjs']).toBe(Math.min(...Object.values(row.settings['tfjs'])));
  });
});

it('names the cases for one that is not there', async () => {
  await expect(bench('--op', 'nothing')).rejects.toThrow(/Allowed choices are .*step/);
});
