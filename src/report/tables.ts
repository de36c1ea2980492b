import type { LaunchTime } from '../gpu/profiler.ts';
import type { Plan, PlannedLaunch } from '../graph/plan.ts';
import { columnsOf, pad } from './fold.ts';
import { formatBytes } from './numbers.ts';

/** Rows as lines of text, columns padded: the first to the left, the others to the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) => Math.max(...[title, ...rows.map((row) => row[column])].map(columnsOf)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, column) => pad(cell, widths[column], column === 0 ? 'left' : 'right')).join('  ');
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

const giga = (value: number): string => (value / 1e9).toFixed(3);

interface Totals {
  nodes: Set<unknown>;
  launches: number;
  flops: number;
  bytes: number;
  milliseconds: number;
}

/** Sums by op over launches that are run `runs` times, each taking so many milliseconds. */
function byOp(launches: readonly (readonly [launch: PlannedLaunch, runs: number, milliseconds: number])[]) {
  const totals = new Map<string, Totals>();
  for (const [{ node, flops = 0, bytes }, runs, milliseconds] of launches) {
    const name = node.op.name;
    const sum = totals.get(name) ?? { nodes: new Set(), launches: 0, flops: 0, bytes: 0, milliseconds: 0 };
    sum.nodes.add(node);
    sum.launches += runs;
    sum.flops += runs * flops;
    sum.bytes += runs * bytes;
    sum.milliseconds += runs * milliseconds;
    totals.set(name, sum);
  }
  return totals;
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** A program of a step, and how often the step runs it. */
export interface PlannedPhase {
  readonly name: string;
  readonly runs: number;
  readonly plan: Plan;
}

/**
 * The plan of a step before it runs: nodes, launches, work and traffic by op, and the bytes of memory that it will take (see
 * `memoryOf`).
 */
export function describePlan(
  phases: readonly PlannedPhase[],
  { intermediates, leaves }: { intermediates: number; leaves: number },
  parameters: number,
): string {
  const plans = phases.map(({ plan }) => plan);
  const launches = phases.flatMap(({ plan, runs }) => plan.launches.map((launch) => [launch, runs, 0] as const));
  const totals = byOp(launches);
  const rows = [...totals].map(([name, sum]) => [
    name,
    String(sum.nodes.size),
    String(sum.launches),
    giga(sum.flops),
    (sum.bytes / 1e6).toFixed(1),
  ]);
  const sums = [...totals.values()];
  const kernels = new Set(launches.map(([{ kernel, constants }]) => kernel.name + JSON.stringify(constants ?? {})));
  const unshared = total(plans.flatMap(({ allocations }) => allocations.map(({ bytes }) => bytes)));
  return [
    table(['op', 'nodes', 'launches', 'GFLOP', 'MB moved'], rows),
    '',
    ...(phases.length > 1 ? [describePhases(phases)] : []),
    `${total(plans.map(({ nodes }) => nodes.length))} nodes, ${total(sums.map((sum) => sum.launches))} launches of ${kernels.size} kernels`,
    `${parameters.toLocaleString('en-US')} parameters`,
    `${giga(total(sums.map(({ flops }) => flops)))} GFLOP and ${giga(total(sums.map(({ bytes }) => bytes)))} GB a step`,
    `peak memory ${formatBytes(intermediates + leaves)}: intermediates ${formatBytes(intermediates)} (${formatBytes(unshared)} without reuse), ` +
      `weights, optimiser, images and inputs ${formatBytes(leaves)}`,
  ].join('\n');
}

/** Which programs a step in pieces runs, and how often: `phases: 16 × embeddings, loss, 16 × gradients, update`. */
const describePhases = (phases: readonly PlannedPhase[]): string =>
  `phases: ${phases.map(({ name, runs }) => (runs === 1 ? name : `${runs} × ${name}`)).join(', ')}`;

/** What exchanges of one kind took over some steps, in seconds and bytes of one process. */
interface Exchanged {
  readonly seconds: number;
  readonly exposed: number;
  readonly bytes: number;
  readonly calls: number;
}

/** What processes that share a batch exchange in a step, and what of it the device’s work does not hide. */
export function describeExchanges(costs: ReadonlyMap<string, Exchanged>, steps: number): string {
  const rows = [...costs].map(([kind, { calls, bytes, seconds, exposed }]) => [
    kind,
    (calls / steps).toFixed(0),
    formatBytes(bytes / steps),
    ((1000 * seconds) / steps).toFixed(1),
    ((1000 * exposed) / steps).toFixed(1),
  ]);
  return table(['exchange, a step', 'calls', 'given', 'ms', 'not hidden'], rows);
}

/** Where the time of a run went, by op, with rates. */
export function describeProfile(times: readonly LaunchTime<PlannedLaunch>[]): string {
  const totals = byOp(times.map(({ launch, milliseconds }) => [launch, 1, milliseconds] as const));
  const all = times.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const rows = [...totals]
    .sort(([, a], [, b]) => b.milliseconds - a.milliseconds)
    .map(([name, { launches, flops, bytes, milliseconds }]) => [
      name,
      String(launches),
      milliseconds.toFixed(3),
      `${((100 * milliseconds) / all).toFixed(1)} %`,
      flops > 0 ? (flops / milliseconds / 1e6).toFixed(1) : '-',
      (bytes / milliseconds / 1e6).toFixed(1),
    ]);
  return `${table(['op', 'launches', 'ms', 'share', 'GFLOP/s', 'GB/s'], rows)}\n\n${all.toFixed(1)} ms in kernels`;
}
