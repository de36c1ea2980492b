import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { z } from 'zod';
import type { Gpu } from '../src/gpu/device.ts';
import type { Roofline } from './roofline.ts';

const milliseconds = z.number().positive();
const range = z.tuple([milliseconds, milliseconds]);

/** An item of a case. Times are medians; a peer's is that of its fastest setting. */
export const rowSchema = z.strictObject({
  /** The case: the name of its file under `bench/cases`. */
  op: z.string(),
  name: z.string(),
  shape: z.string(),
  runs: z.number().int().positive(),
  ours_ms: milliseconds,
  /** Time in kernels by the device's own clock, of one run; left out where it has none. */
  kernel_ms: milliseconds.optional(),
  /** Rates of ours: floating-point operations that our kernels do, and bytes that must move at least, over the time. */
  gflops: z.number().nonnegative(),
  gbps: z.number().positive(),
  /** The larger of the two rates' shares of the roofline, and which it is. */
  roofline_share: z.number().positive(),
  bound: z.enum(['arithmetic', 'memory']),
  /** GPU memory of ours: data of the case, results, intermediates. */
  peak_bytes: z.number().int().nonnegative(),
  peers: z.record(z.string(), milliseconds),
  /** How many times ours the peer takes. */
  ratio: z.record(z.string(), z.number().positive()),
  /** Shortest and longest sample of ours and of each setting of each peer. */
  spread: z.record(z.string(), range),
  /** Medians of all settings of each peer. */
  settings: z.record(z.string(), z.record(z.string(), milliseconds)),
  /** For each that ours was compared with, the value that was nearest to its limit. */
  agreement: z.record(
    z.string(),
    z.strictObject({ name: z.string(), distance: z.number().nonnegative(), allowed: z.number().positive() }),
  ),
  /** Peers, or settings of them, without a time, and why. */
  left_out: z.record(z.string(), z.string()),
});

/** What must be known to read the numbers. */
const circumstances = {
  adapter: z.string(),
  driver: z.string(),
  machine: z.string(),
  /** Processes that wanted a processor when the benchmark started: times are only true with next to none. */
  load: z.number().nonnegative(),
  date: z.iso.datetime(),
  node: z.string(),
  commit: z.string(),
};

export const reportSchema = z.strictObject({
  ...circumstances,
  /** How variants of kernels were chosen: `fixed table`, `measured`, or the name of the one that was asked for. */
  kernels: z.string(),
  /** What the device's own kernels reach: multiply-adds counting two, bytes read and written. */
  roofline: z.strictObject({ gflops: z.number().positive(), gbps: z.number().positive() }),
  rows: z.array(rowSchema),
  /** Items that the device refused, and why. */
  refused: z.array(z.strictObject({ name: z.string(), shape: z.string(), reason: z.string() })),
  /** With `--scaling`: bytes that a binding may have, and the most pairs whose 2N × 2N matrix of f32 fits into them. */
  matrix: z.strictObject({ binding_bytes: z.number().int(), largest_pairs: z.number().int() }).optional(),
});

export type Row = z.infer<typeof rowSchema>;
export type Report = z.infer<typeof reportSchema>;

/** Of an archive, what it was packed from: its launcher says. */
function commit(): string {
  const packed = process.env['SIMCLR_COMMIT'];
  if (packed) return packed;
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return 'unknown';
  }
}

/** As the benchmark starts: both may change while it runs. */
const start = { load: loadavg()[0], commit: commit() };

/** A report without rows yet. */
export const newReport = ({ adapter, traits }: Gpu, kernels: string, roofline: Roofline): Report => ({
  adapter: traits.adapter,
  driver: adapter.info.description,
  machine: `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores`,
  date: new Date().toISOString(),
  node: process.version,
  ...start,
  kernels,
  roofline,
  rows: [],
  refused: [],
});
