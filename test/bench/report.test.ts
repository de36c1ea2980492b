/** How a report is told: text and chart, of numbers that are made up. */
import { expect, it } from 'vitest';
import { reportChart } from '../../bench/chart.ts';
import { type Report, type Row, reportSchema } from '../../bench/report.ts';
import { describeReport } from '../../bench/report_text.ts';

const row = (op: string, ours_ms: number, peers: Record<string, number>, rest: Partial<Row> = {}): Row => ({
  ...{
    op,
    name: `${op} forward`,
    shape: '2×3',
    runs: 3,
    ours_ms,
    kernel_ms: ours_ms / 2,
    gflops: 12345.6,
    gbps: 0.0123,
  },
  ...{ roofline_share: 0.25, bound: 'arithmetic', peak_bytes: 2048, peers },
  ratio: Object.fromEntries(Object.entries(peers).map(([name, ms]) => [name, ms / ours_ms])),
  spread: {
    ours: [ours_ms / 2, ours_ms * 2],
    ...Object.fromEntries(Object.entries(peers).map(([name, ms]) => [`${name}, usual`, [ms / 1.25, ms] as const])),
  } as Row['spread'],
  settings: Object.fromEntries(Object.entries(peers).map(([name, ms]) => [name, { usual: ms }])),
  agreement: { 'tfjs, usual': { name: 'y', distance: 2e-7, allowed: 1e-5 } },
  left_out: {},
  ...rest,
});

const report: Report = {
  ...{ adapter: 'a device', driver: 'a driver', machine: 'a machine', load: 0.5, date: '2026-01-02T03:04:05.000Z' },
  ...{ node: 'v20', commit: 'abc', kernels: 'fixed table', roofline: { gflops: 61234, gbps: 4100 } },
  rows: [
    row('conv2d', 0.02, { tfjs: 1 }),
    row('matmul', 1500, { tfjs: 1200 }, { left_out: { torch: 'is not installed' }, agreement: {} }),
  ],
  refused: [{ name: 'step', shape: '9 pairs', reason: 'it does not fit' }],
  matrix: { binding_bytes: 2 ** 27, largest_pairs: 2896 },
};

it('the report is what its schema says', () => {
  expect(reportSchema.parse(report)).toEqual(report);
});

it('the text says where a peer is faster, what was compared, what is missing', () => {
  const text = describeReport(report);
  expect(text).toContain('conv2d forward 2×3  20.0 µs (10.0 µs to 40.0 µs)    1.00     10.0 µs   12,300  0.0123');
  expect(text).toContain('1.00 ms (800 µs to 1.00 ms)   50.00');
  expect(text).toContain('61,200 GFLOP/s of multiply-adds, 4,100 GB/s of copying');
  expect(text).toContain(
    'tfjs is slower than ours in 1 of 2 rows, faster in matmul forward 2×3 (0.80 times ours; 1.28 by the shortest samples)',
  );
  expect(text).toContain(
    "compared with tfjs, usual; farthest: 'y' of conv2d forward 2×3 is 2.0e-7 away, 0.00001 is allowed",
  );
  expect(text).toContain('not compared with anything: matmul forward 2×3');
  expect(text).toContain('torch: is not installed (matmul forward 2×3)');
  expect(text).toContain('refused: step 9 pairs: it does not fit');
  expect(text).toContain('fit into one binding (128.0 MiB) up to N = 2896');
});

it('the chart has a bar for each time, on a logarithmic axis from a power of ten on', async () => {
  const { svg, png } = await reportChart(report);
  for (const label of ['conv2d forward 2×3', 'matmul forward 2×3', 'ours', 'tfjs', 'time / ms, logarithmic']) {
    expect(svg).toContain(label);
  }
  for (const value of ['0.02', '1500', '1200', '0.01', '10,000']) expect(svg).toContain(`>${value}<`);
  expect(png.subarray(1, 4).toString()).toBe('PNG');
});
