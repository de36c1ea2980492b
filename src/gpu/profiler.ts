import { UserError } from '../errors.ts';
import type { Gpu } from './device.ts';

export interface LaunchTime<L> {
  readonly launch: L;
  readonly milliseconds: number;
}

/** A query set holds at most this many time stamps. */
const stampsPerSet = 4096;

/** Time stamps around compute passes, one pair a launch. */
export class Profiler<L> {
  private readonly launches: L[] = [];
  private readonly sets: GPUQuerySet[] = [];

  constructor(
    private readonly gpu: Gpu,
    count: number,
  ) {
    if (!gpu.traits.features.has('timestamp-query')) {
      throw new UserError(`'${gpu.traits.adapter}' has no timestamp queries, so --profile cannot time its kernels`);
    }
    for (let left = 2 * count; left > 0; left -= stampsPerSet) {
      this.sets.push(
        gpu.device.createQuerySet({ label: 'profiler', type: 'timestamp', count: Math.min(left, stampsPerSet) }),
      );
    }
  }

  /** Where the next launch's pass writes its stamps. */
  next(launch: L): GPUComputePassTimestampWrites {
    const first = 2 * this.launches.length;
    this.launches.push(launch);
    const querySet = this.sets[Math.floor(first / stampsPerSet)];
    return {
      querySet,
      beginningOfPassWriteIndex: first % stampsPerSet,
      endOfPassWriteIndex: (first + 1) % stampsPerSet,
    };
  }

  /** Submits the encoder and returns the time of each launch. */
  async finish(encoder: GPUCommandEncoder): Promise<LaunchTime<L>[]> {
    const { device } = this.gpu;
    const usage = GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC;
    const stamps = device.createBuffer({ label: 'profiler', size: this.sets.length * stampsPerSet * 8, usage });
    this.sets.forEach((set, index) => encoder.resolveQuerySet(set, 0, set.count, stamps, index * stampsPerSet * 8));
    device.queue.submit([encoder.finish()]);
    const times = new BigUint64Array(await this.gpu.readBuffer(stamps));
    stamps.destroy();
    for (const set of this.sets) set.destroy();
    return this.launches.map((launch, index) => ({
      launch,
      milliseconds: Number(times[2 * index + 1] - times[2 * index]) / 1e6,
    }));
  }
}
