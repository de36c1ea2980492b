import { formatBytes, percentage } from '../src/report/numbers.ts';
import { table } from '../src/report/tables.ts';
import type { Report, Row } from './report.ts';

/** Three digits that count, in a unit that suits. */
function duration(ms: number): string {
  const [value, unit] = ms >= 1000 ? [ms / 1000, 's'] : ms >= 1 ? [ms, 'ms'] : [ms * 1000, 'µs'];
  return `${value.toPrecision(value >= 100 ? Math.ceil(Math.log10(value + 1)) : 3)} ${unit}`;
}

const withSpread = (ms: number, [least, most]: [number, number]): string =>
  `${duration(ms)} (${duration(least)} to ${duration(most)})`;

const rate = (value: number): string =>
  value === 0 ? '-' : value.toLocaleString('en-US', { maximumSignificantDigits: 3 });

const header = ['time', '× ours', 'in kernels', 'GFLOP/s', 'GB/s', 'of roofline', 'memory'];

/** Lines of the table that belong to one item: ours, and every setting of every peer. */
function linesOf(row: Row): string[][] {
  const ours = [
    `${row.name} ${row.shape}`,
    withSpread(row.ours_ms, row.spread['ours']),
    '1.00',
    row.kernel_ms === undefined ? '-' : duration(row.kernel_ms),
    rate(row.gflops),
    rate(row.gbps),
    `${percentage(row.roofline_share, 0)} ${row.bound}`,
    formatBytes(row.peak_bytes),
  ];
  const peers = Object.entries(row.settings).flatMap(([peer, settings]) =>
    Object.entries(settings).map(([setting, value]) => {
      const name = `${peer}, ${setting}`;
      return [
        `  ${name}`,
        withSpread(value, row.spread[name]),
        (value / row.ours_ms).toFixed(2),
        ...header.slice(2).map(() => ''),
      ];
    }),
  );
  return [ours, ...peers];
}

/** What results were compared with; of the peers, who is left out and why, each reason once. */
function notes(rows: readonly Row[]): string[] {
  const reasons = new Map<string, string[]>();
  for (const { name, shape, left_out } of rows) {
    for (const [peer, reason] of Object.entries(left_out)) {
      const key = `${peer}: ${reason}`;
      reasons.set(key, [...(reasons.get(key) ?? []), `${name} ${shape}`]);
    }
  }
  const unchecked = rows.filter(({ agreement }) => Object.keys(agreement).length === 0);
  const worst = new Map<string, { share: number; text: string }>();
  for (const { name, shape, agreement } of rows) {
    for (const [other, { name: value, distance, allowed }] of Object.entries(agreement)) {
      const share = distance / allowed;
      if (share < (worst.get(other)?.share ?? 0)) continue;
      const text = `'${value}' of ${name} ${shape} is ${distance.toExponential(1)} away, ${allowed} is allowed`;
      worst.set(other, { share, text });
    }
  }
  return [
    ...[...worst].map(([other, { text }]) => `compared with ${other}; farthest: ${text}`),
    ...unchecked.map(({ name, shape }) => `not compared with anything: ${name} ${shape}`),
    ...[...reasons].map(
      ([reason, where]) => `${reason} (${where.length > 3 ? `${where.length} rows` : where.join('; ')})`,
    ),
  ];
}

/** The peer's shortest sample over ours: what remains where something else disturbed the machine. */
function ratioOfShortest({ spread, settings }: Row, peer: string): number {
  const shortest = Object.keys(settings[peer]).map((setting) => spread[`${peer}, ${setting}`][0]);
  return Math.min(...shortest) / spread['ours'][0];
}

/** What the reader looks for: whether a peer is faster anywhere, and where. */
function verdict(rows: readonly Row[]): string[] {
  const names = new Set(rows.flatMap(({ ratio }) => Object.keys(ratio)));
  return [...names].map((peer) => {
    const against = rows.filter(({ ratio }) => peer in ratio);
    const faster = against.filter(({ ratio }) => ratio[peer] < 1);
    const where = faster.map(
      (row) =>
        `${row.name} ${row.shape} (${row.ratio[peer].toFixed(2)} times ours; ${ratioOfShortest(row, peer).toFixed(2)} by the shortest samples)`,
    );
    const count = `${peer} is slower than ours in ${against.length - faster.length} of ${against.length} rows`;
    return faster.length === 0 ? count : `${count}, faster in ${where.join('; ')}`;
  });
}

function matrixNote({ matrix }: Report): string[] {
  if (!matrix) return [];
  const { binding_bytes, largest_pairs } = matrix;
  return [
    `a stored 2N × 2N matrix of f32 would fit into one binding (${formatBytes(binding_bytes)}) up to N = ${largest_pairs}; ours is never stored`,
  ];
}

/** The report as text: one table a case. */
export function describeReport(report: Report): string {
  const { adapter, driver, machine, load, date, node, rows, roofline, refused } = report;
  const ops = [...new Set(rows.map(({ op }) => op))];
  return [
    `${adapter} (${driver}), ${machine}, load average ${load.toFixed(1)} before`,
    `${date}, node ${node}, commit ${report.commit}; medians (shortest to longest) of ${rows[0]?.runs ?? 0} interleaved samples`,
    `variants of our kernels: ${report.kernels}`,
    `roofline of this device: ${rate(roofline.gflops)} GFLOP/s of multiply-adds, ${rate(roofline.gbps)} GB/s of copying`,
    ...ops.flatMap((op) => ['', table([op, ...header], rows.filter((row) => row.op === op).flatMap(linesOf))]),
    '',
    ...verdict(rows),
    ...matrixNote(report),
    ...notes(rows),
    ...refused.map(({ name, shape, reason }) => `refused: ${name} ${shape}: ${reason}`),
  ].join('\n');
}
