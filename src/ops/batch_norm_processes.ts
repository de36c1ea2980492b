/** Batch norm of rows that several processes have: what each finds in its own goes to all, which go on with the same numbers. */
import mergeProcesses from '../../kernels/batch_norm/merge_processes.wgsl';
import mergeSlices from '../../kernels/batch_norm/merge_slices.wgsl';
import ownStatistics from '../../kernels/batch_norm/own_statistics.wgsl';
import ownStatisticsF16 from '../../kernels/batch_norm/own_statistics_f16.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { bytesPerElement, type Launch, Scratch, type Tensor } from '../graph/tensor.ts';
import type { MergedSlices } from './batch_norm_slices.ts';

/** What a process finds by itself, and where that of all comes. */
const ofProcesses = (processes: number, numbers: number) => ({
  own: new Scratch('own', numbers * bytesPerElement),
  all: new Scratch('of all processes', processes * numbers * bytesPerElement),
});

/** Where statistics go: `mean` and `rstd`, and the running ones, which they move. */
type Results = Readonly<Record<'running_mean' | 'running_var' | 'mean' | 'rstd' | 'tracked', Tensor | Scratch>>;

/** The statistics of x on all processes, from those of the slices of this one. */
export function statisticsOfProcesses(
  x: Tensor,
  { processes, ...settings }: { readonly processes: number; readonly eps: number; readonly momentum: number },
  { partial, params }: MergedSlices,
  results: Results,
): Launch[] {
  const { parts: _, ...ofSlice } = params;
  const { channels, part_rows: rows } = ofSlice;
  const { own, all } = ofProcesses(processes, 3 * channels);
  const workgroups = grid1d(channels, 64);
  return [
    {
      kernel: x.dtype === 'f16' ? ownStatisticsF16 : ownStatistics,
      bindings: { partial, x, own },
      constants: { sums: 0 },
      params: ofSlice,
      workgroups,
      shared: { kind: 'gather', own, all, label: 'batch norm' },
    },
    {
      kernel: mergeProcesses,
      bindings: { all, ...results },
      params: { channels, processes, rows, ...settings },
      workgroups,
    },
  ];
}

/** The sums of all processes, a slice of each, from those of the slices of this one. */
export function sumsOfProcesses(processes: number, { partial, params }: MergedSlices): MergedSlices {
  const { parts: _, ...ofSlice } = params;
  const { channels, part_rows: rows, part_slices: fan } = ofSlice;
  const { own, all } = ofProcesses(processes, 2 * channels);
  const launch: Launch = {
    kernel: mergeSlices,
    constants: { sums: 1 },
    bindings: { partial, merged: own },
    params: { ...ofSlice, merged: 1, part_merged: 1, fan },
    workgroups: grid1d(channels, 64),
    shared: { kind: 'gather', own, all, label: 'batch norm' },
  };
  const after = { channels, slice_rows: rows, part_rows: processes * rows, part_slices: processes, parts: 1 };
  return { launches: [launch], partial: all, params: after };
}
