/** Work goes on after its device was lost, because a driver started anew or a GPU was reset, as if its command had been run again. */
import type { Gpu } from '../gpu/device.ts';
import { DeviceLost } from '../gpu/faults.ts';
import { type DeviceOptions, openAdapter } from './device.ts';
import type { Terminal } from './terminal.ts';

/** Devices that may be lost in a row without progress between them: a driver that always fails must not be tried for ever. */
const mostLosses = 3;

/** Work that can be begun again, and then goes on from what it has saved. */
export interface Resumable<T> {
  run(gpu: Gpu): Promise<T>;
  /** How far it ever came: a number that grows when something is done for the first time. */
  reached(): number;
  /** What the next `run` will do, for the user: `resuming after step 4`. */
  next(): string;
  /** Whether the user has asked it to stop. */
  stopped(): boolean;
}

/** Work too short to tell how far it is. */
export const repeatable = <T>(run: Resumable<T>['run'], stopped = () => false): Resumable<T> => ({
  ...{ run, stopped },
  reached: () => 0,
  next: () => 'repeating the command',
});

/** Runs the work to its end, on the same adapter opened again whenever the device is lost. */
export async function reopening<T>(
  first: Gpu,
  work: Resumable<T>,
  { adapter }: DeviceOptions,
  terminal: Terminal,
): Promise<T> {
  let gpu = first;
  for (let losses = 1, before = -1; ; losses++) {
    try {
      return await work.run(gpu);
    } catch (error) {
      if (!(error instanceof DeviceLost) || work.stopped()) throw error;
      const reached = work.reached();
      if (reached > before) losses = 1;
      if (losses === mostLosses) throw error;
      before = Math.max(before, reached);
      terminal.line(`note       the GPU device was lost (${error.why}); opening it again and ${work.next()}`);
    }
    gpu.destroy();
    gpu = await openAdapter(adapter, first.traits.adapter);
  }
}
