import type { Command } from 'commander';
import { listAdapters } from '../gpu/adapters.ts';
import { Gpu } from '../gpu/device.ts';
import type { Tuner } from '../graph/autotune.ts';
import { tuneKernels } from '../train/kernel_cache.ts';
import { type RunKernels, readRunKernels, writeRunKernels } from '../train/run_kernels.ts';
import type { Terminal } from './terminal.ts';

export interface DeviceOptions {
  readonly adapter?: string;
  readonly autotune?: boolean;
}

/** Adds `--adapter` and `--[no-]autotune`. */
export const addDeviceOptions = (command: Command): Command =>
  command
    .option('--adapter <name>', 'part of the adapter’s name (default: the first one, hardware before software)')
    .option('--autotune', 'choose kernels by measuring their variants once on this device (default)')
    .option('--no-autotune', 'choose kernels by a fixed table');

/** The adapter that the user names, else the one that the run was started on, else whatever there is. */
export async function openAdapter(wanted: string | undefined, remembered?: string): Promise<Gpu> {
  if (wanted !== undefined || remembered === undefined) return Gpu.open({ adapter: wanted });
  const names = await listAdapters();
  return Gpu.open(names.includes(remembered) ? { adapter: remembered } : {});
}

/** What earlier runs have measured of kernels on this device; undefined where they are to be chosen by the fixed table. */
export const knownKernels = (gpu: Gpu, { autotune }: DeviceOptions): Tuner | undefined =>
  (autotune ?? true) ? tuneKernels(gpu) : undefined;

/**
 * Has the kernels of this process chosen by measurement, if they are to be, and prints what is measured. The folder of a run
 * remembers what was chosen: when it goes on, it takes the same.
 */
export function chooseKernels(gpu: Gpu, { autotune }: DeviceOptions, terminal: Terminal, folder?: string): void {
  const before = folder === undefined ? undefined : readRunKernels(folder, gpu);
  const record = (variants: RunKernels['variants']) => folder !== undefined && writeRunKernels(folder, gpu, variants);
  if (!(autotune ?? before?.variants !== null)) {
    record(null);
    return;
  }
  const note = (message: string) => terminal.line(`note: ${message}`);
  const tuner = tuneKernels(gpu, {
    onTune: (done, total, what) => terminal.progress(`tuning ${what.split(' ', 1)[0]}`, done, total),
    onRejected: note,
    onUnwritable: note,
    onChoice: () => record(Object.fromEntries(tuner.choices)),
  });
  if (before?.variants) tuner.pin(before.variants);
}
