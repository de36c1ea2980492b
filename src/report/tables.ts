import type { LaunchTime } from '../gpu/profiler.ts';
import type { Plan, PlannedLaunch } from '../graph/plan.ts';
import { byteLength } from '../graph/tensor.ts';

/** Rows as lines of text, columns padded: the first to the left, the others to the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column].length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
      .join('  ');
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** 1536 → `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

const giga = (value: number): string => (value / 1e9).toFixed(3);

interface Totals {
  nodes: Set<unknown>;
  launches: number;
  flops: number;
  bytes: number;
  milliseconds: number;
}

function byOp(launches: readonly (readonly [PlannedLaunch, number])[]): Map<string, Totals> {
  const totals = new Map<string, Totals>();
  for (const [{ node, flops = 0, bytes }, milliseconds] of launches) {
    const name = node.op.name;
    const sum = totals.get(name) ?? { nodes: new Set(), launches: 0, flops: 0, bytes: 0, milliseconds: 0 };
    sum.nodes.add(node);
    sum.launches++;
    sum.flops += flops;
    sum.bytes += bytes;
    sum.milliseconds += milliseconds;
    totals.set(name, sum);
  }
  return totals;
}

/** Bytes that a program takes: slots of intermediates, and its inputs, constants and variables. */
export const planBytes = ({ slots, leaves }: Plan): number =>
  [...slots, ...leaves.map(byteLength)].reduce((sum, bytes) => sum + bytes, 0);

/** A plan before it runs: nodes, launches, work and traffic by op, and the memory that it will take. */
export function describePlan(plan: Plan, parameters: number): string {
  const totals = byOp(plan.launches.map((launch) => [launch, 0] as const));
  const rows = [...totals].map(([name, { nodes, launches, flops, bytes }]) => [
    name,
    String(nodes.size),
    String(launches),
    giga(flops),
    (bytes / 1e6).toFixed(1),
  ]);
  const sum = (pick: (launch: PlannedLaunch) => number) =>
    plan.launches.reduce((total, launch) => total + pick(launch), 0);
  const kernels = new Set(plan.launches.map(({ kernel, constants }) => kernel.name + JSON.stringify(constants ?? {})));
  const intermediates = plan.slots.reduce((total, bytes) => total + bytes, 0);
  const unshared = plan.blocks.reduce((total, { bytes }) => total + bytes, 0);
  return [
    table(['op', 'nodes', 'launches', 'GFLOP', 'MB moved'], rows),
    '',
    `${plan.nodes.length} nodes, ${plan.launches.length} launches of ${kernels.size} kernels`,
    `${parameters.toLocaleString('en-US')} parameters`,
    `${giga(sum(({ flops = 0 }) => flops))} GFLOP and ${giga(sum(({ bytes }) => bytes))} GB a step`,
    `peak memory ${formatBytes(planBytes(plan))}: intermediates ${formatBytes(intermediates)} (${formatBytes(unshared)} without reuse), ` +
      `weights, optimiser, images and inputs ${formatBytes(planBytes(plan) - intermediates)}`,
  ].join('\n');
}

/** Where the time of a run went, by op, with rates. */
export function describeProfile(times: readonly LaunchTime<PlannedLaunch>[]): string {
  const totals = byOp(times.map(({ launch, milliseconds }) => [launch, milliseconds] as const));
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
