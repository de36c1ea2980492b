import { UserError } from '../errors.ts';
import type { Gpu, PassTimer } from './device.ts';

/** What was seen between the first pass and the last, in milliseconds. */
export interface Utilization {
  /** From the beginning of the first pass to the end of the last. */
  readonly total: number;
  /** Between passes: the device had nothing to do, because the host had not submitted it yet. */
  readonly waiting: number;
}

/** A query set holds at most this many stamps. */
const mostStamps = 4096;

/** Measures how long the device waits for the host while programs run as usual: a pair of stamps around every pass. */
export class UtilizationMeter implements PassTimer {
  private readonly stamps: GPUQuerySet;
  private used = 0;

  /** Begins. UserError without the feature 'timestamp-query'. */
  constructor(private readonly gpu: Gpu) {
    if (!gpu.traits.features.has('timestamp-query'))
      throw new UserError(`'${gpu.traits.adapter}' has no timestamp queries, so --profile cannot time it`);
    this.stamps = gpu.device.createQuerySet({ label: 'utilization', type: 'timestamp', count: mostStamps });
    gpu.passTimer = this;
  }

  next(): GPUComputePassTimestampWrites | undefined {
    if (this.used + 2 > mostStamps) return undefined;
    const first = this.used;
    this.used += 2;
    return { querySet: this.stamps, beginningOfPassWriteIndex: first, endOfPassWriteIndex: first + 1 };
  }

  /** Ends, and waits for what was submitted. */
  async finish(): Promise<Utilization> {
    const { gpu, stamps, used } = this;
    gpu.passTimer = undefined;
    const usage = GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC;
    const buffer = gpu.device.createBuffer({ label: 'utilization', size: mostStamps * 8, usage });
    const encoder = gpu.device.createCommandEncoder({ label: 'utilization' });
    encoder.resolveQuerySet(stamps, 0, Math.max(1, used), buffer, 0);
    gpu.device.queue.submit([encoder.finish()]);
    const times = new BigUint64Array(await gpu.readBuffer(buffer)).subarray(0, used);
    buffer.destroy();
    stamps.destroy();
    return utilizationOf(Array.from(times, (time) => Number(time - times[0]) / 1e6));
  }
}

/** From the stamps of passes in their order, milliseconds: beginning and end of each. */
export function utilizationOf(times: readonly number[]): Utilization {
  let waiting = 0;
  for (let i = 2; i < times.length; i += 2) waiting += Math.max(0, times[i] - times[i - 1]);
  return { total: times.length > 0 ? times[times.length - 1] - times[0] : 0, waiting };
}
