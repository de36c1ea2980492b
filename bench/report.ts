import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { z } from 'zod';
import type { Gpu } from '../src/gpu/device.ts';
import { formatBytes, table } from '../src/report/tables.ts';

const milliseconds = z.number().positive();
const range = z.tuple([milliseconds, milliseconds]);

/** A case at one size. Times are medians; a peer's is that of its fastest setting. */
export const rowSchema = z.strictObject({
  name: z.string(),
  shape: z.string(),
  runs: z.number().int().positive(),
  ours_ms: milliseconds,
  /** A rate of ours: floating-point operations that our kernels do, over their time. */
  gflops: z.number().positive(),
  /** The most GPU memory that ours had allocated. */
  peak_bytes: z.number().int().positive(),
  peers: z.record(z.string(), milliseconds),
  /** How many times ours the peer takes. */
  ratio: z.record(z.string(), z.number().positive()),
  /** Shortest and longest run of ours and of each setting of each peer. */
  spread: z.record(z.string(), range),
  /** Medians of all settings of each peer. */
  settings: z.record(z.string(), z.record(z.string(), milliseconds)),
  /** For each setting of each peer, the value that was nearest to its limit when results were compared. */
  agreement: z.record(
    z.string(),
    z.strictObject({ name: z.string(), distance: z.number().nonnegative(), allowed: z.number().positive() }),
  ),
});

export const reportSchema = z.strictObject({
  adapter: z.string(),
  driver: z.string(),
  machine: z.string(),
  /** Processes that wanted a processor when the benchmark started: times are only true with next to none. */
  load: z.number().nonnegative(),
  date: z.iso.datetime(),
  node: z.string(),
  commit: z.string(),
  rows: z.array(rowSchema),
});

export type Row = z.infer<typeof rowSchema>;
export type Report = z.infer<typeof reportSchema>;

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return 'unknown';
  }
}

/** As the benchmark starts: both may change while it runs. */
const start = { load: loadavg()[0], commit: commit() };

export const makeReport = ({ adapter, traits }: Gpu, rows: Row[]): Report => ({
  adapter: traits.adapter,
  driver: adapter.info.description,
  machine: `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores`,
  date: new Date().toISOString(),
  node: process.version,
  ...start,
  rows,
});

const seconds = (value: number): string =>
  value >= 1000 ? `${(value / 1000).toFixed(2)} s` : `${value.toFixed(2)} ms`;
const withSpread = (value: number, [least, most]: [number, number]): string =>
  `${seconds(value)} (${seconds(least)} to ${seconds(most)})`;

/** Lines of the table that belong to one case: ours, and every setting of every peer. */
function linesOf(row: Row): string[][] {
  const label = `${row.name} ${row.shape}`;
  const ours = [label, 'ours', withSpread(row.ours_ms, row.spread['ours']), '1.00', row.gflops.toFixed(2)];
  const peers = Object.entries(row.settings).flatMap(([peer, settings]) =>
    Object.entries(settings).map(([setting, value]) => {
      const name = `${peer}, ${setting}`;
      return [label, name, withSpread(value, row.spread[name]), (value / row.ours_ms).toFixed(2), '-'];
    }),
  );
  return [ours, ...peers];
}

export function describeReport(report: Report): string {
  const { adapter, driver, machine, load, date, node, rows } = report;
  return [
    `${adapter} (${driver}), ${machine}, load average ${load.toFixed(1)} before`,
    `${date}, node ${node}, commit ${report.commit}; medians (shortest to longest) of ${rows[0]?.runs ?? 0} interleaved runs`,
    '',
    table(['case', 'implementation', 'time', '× ours', 'GFLOP/s'], rows.flatMap(linesOf)),
    '',
    ...rows.map((row) => `${row.name} ${row.shape}: peak GPU memory of ours ${formatBytes(row.peak_bytes)}`),
    ...rows.flatMap((row) =>
      Object.entries(row.agreement).map(
        ([peer, { name, distance, allowed }]) =>
          `${peer} agrees with ours: '${name}' is ${distance.toExponential(1)} away, ${allowed} is allowed`,
      ),
    ),
  ].join('\n');
}
