/** The benchmark as one runs it: built, in a process of its own, at a size that a software adapter does in a second. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Report, reportSchema } from '../../bench/report.ts';
import { adapters } from '../ops/harness.ts';

const tfjs = existsSync('node_modules/@tensorflow/tfjs-backend-webgpu');
const folder = mkdtempSync(join(tmpdir(), 'bench-'));
beforeAll(() => void execFileSync(process.execPath, ['bench/build.mjs'], { stdio: 'inherit' }));
writeFileSync(join(folder, 'file'), '');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args: string[]) => promisify(execFile)(process.execPath, ['bench/dist/main.js', ...args]);

async function bench(...args: string[]): Promise<{ report: Report; out: string; chart: Buffer }> {
  const [json, chart] = ['report.json', 'chart.png'].map((file) => join(folder, file));
  const tiny = ['--quick', '--runs', '1', '--adapter', adapters[0] ?? 'none'];
  const { stdout } = await run(...tiny, ...args, '--json', json, '--chart', chart);
  return {
    report: reportSchema.parse(JSON.parse(readFileSync(json, 'utf8'))),
    out: stdout,
    chart: readFileSync(chart),
  };
}

it('times rows without a peer', async () => {
  const shapes = ['forward 4x8x8x64, 1x1', 'N = 2,'].flatMap((shape) => ['--shape', shape]);
  const { report, out, chart } = await bench('--op', 'nt_xent', '--op', 'conv2d', ...shapes, '--peer', 'none');
  const [loss, conv] = report.rows;
  expect(report.rows).toHaveLength(2);
  expect(loss).toMatchObject({ op: 'nt_xent', shape: 'N = 2, 4×128', runs: 1, peers: {}, ratio: {}, left_out: {} });
  expect(conv).toMatchObject({ op: 'conv2d', name: 'conv2d forward', shape: '4×8×8×64, 1×1/2, 128' });
  expect(conv.agreement).toHaveProperty('float64 reference');
  expect(conv.spread['ours'][0]).toBeLessThanOrEqual(conv.ours_ms);
  expect(conv.gflops * conv.ours_ms * 1e6).toBeCloseTo(2 * 4 * 4 * 4 * 64 * 128, 3);
  const share = Math.max(conv.gflops / report.roofline.gflops, conv.gbps / report.roofline.gbps);
  expect(conv.roofline_share).toBeCloseTo(share);
  expect(report.adapter).toBe(adapters[0]);
  expect(report.kernels).toMatch(/^(fixed table|measured)$/);
  expect(out).toContain('conv2d forward 4×8×8×64');
  expect(chart.subarray(1, 4).toString()).toBe('PNG');
});

describe.skipIf(!tfjs)(`tfjs${tfjs ? '' : ' (skipped: @tensorflow/tfjs-backend-webgpu is not installed)'}`, () => {
  it('computes what ours does', async () => {
    const shapes = ['input gradient 4×8×8×64, 1×1', 'N = 2'].flatMap((shape) => ['--shape', shape]);
    const { report } = await bench('--op', 'conv2d', '--op', 'nt_xent', ...shapes, '--peer', 'tfjs');
    expect(report.rows.map(({ settings }) => Object.keys(settings['tfjs']).length)).toEqual([2, 1]);
    for (const row of report.rows) {
      for (const { distance, allowed } of Object.values(row.agreement)) expect(distance).toBeLessThanOrEqual(allowed);
      expect(row.ratio['tfjs']).toBeCloseTo(row.peers['tfjs'] / row.ours_ms);
      expect(row.peers['tfjs']).toBe(Math.min(...Object.values(row.settings['tfjs'])));
    }
  });
});

it('scaling: the series of NT-Xent, and where a stored matrix would end', async () => {
  const { report, out } = await bench('--scaling', '--shape', 'N = 64,', '--shape', 'N = 128,');
  expect(report.rows.map(({ shape }) => shape)).toEqual(['N = 64, 128×128', 'N = 128, 256×128']);
  expect(report.matrix!.largest_pairs).toBe(Math.floor(Math.sqrt(report.matrix!.binding_bytes / 4) / 2));
  expect(out).toContain(`up to N = ${report.matrix!.largest_pairs}`);
});

it('lists rows without a device', async () => {
  const { stdout } = await run('--list', '--op', 'matmul', '--shape', '1024');
  expect(stdout).toBe('matmul: matmul 1024×1024 · 1024×1024\n');
});

it.each([
  [['--op', 'nothing'], /Allowed choices are .*step/],
  [['--peer', 'nothing'], /Allowed choices are .*none/],
  [['--shape', 'nothing', '--op', 'adam'], /bench: no row of adam has 'nothing' in its name; --list shows all rows/],
  [['--peer', 'none', '--peer', 'tfjs'], /--peer none cannot be combined with other --peer options/],
  [['--runs', '0'], /not a whole number of 1 or more/],
  [['--scaling', '--list'], /--list cannot be combined with --scaling/],
  [
    ['--variant', 'nothing', '--quick', '--op', 'matmul'],
    /bench: no kernel of these rows has a variant 'nothing'; available: .*portable/,
  ],
  [['--scaling', '--op', 'adam'], /--scaling covers only step and nt_xent/],
  [
    ['--json', join(folder, 'file', 'x.json')],
    /cannot write .*: a file of that name is in the way; choose another --json/,
  ],
  [['--chart', folder], /cannot write .*: it is not a regular file; choose another --chart/],
])('%s is refused in one line, and nothing is measured', async (args, message) => {
  const error = await run(...args).catch((thrown: Error) => thrown);
  expect(String(error)).toMatch(message);
  expect(String(error)).not.toContain("the device's roofline");
});
