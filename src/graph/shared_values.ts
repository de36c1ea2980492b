/** How processes exchange what launches of a program share (`Launch.shared`): staging buffers, and the order of the exchanges. */
import type { Gpu } from '../gpu/device.ts';
import type { Buffers } from './buffers.ts';
import type { Submission } from './submission.ts';
import { bytesPerElement, type Shared } from './tensor.ts';

/** The other processes, as a program sees them. All of them run the same program and make the same calls in the same order. */
export interface Peers {
  /** Values [n] of all processes, in their order: [processes · n]. `label` says what they are. */
  gather(own: Float32Array, label: string): Promise<Float32Array>;
  /** Replaces values by their sums; several may be under way. Without it what is to be summed stays each process’s own in this run. */
  sum?(values: Float32Array): Promise<void>;
  /** Waits for sums when the device has done all that it was given: what others do meanwhile is not hidden. */
  idle(done: Promise<unknown>): Promise<void>;
}

/** Copies what a submission shares to where the host can read it. */
export type SharedCopies = (submission: Submission, encoder: GPUCommandEncoder) => void;

/** The exchanges of one run. */
export interface Exchanging {
  readonly copies: SharedCopies;
  /** To be called when the submission is made. */
  behind(submission: Submission): Promise<void>;
  /** Waits for all that is under way. */
  finish(): Promise<void>;
}

/** Where a process has what it shares, and what is written when all have theirs. */
interface Place {
  readonly shared: Shared;
  readonly from: { readonly buffer: GPUBuffer; readonly offset: number };
  readonly to: { readonly buffer: GPUBuffer; readonly offset: number };
  readonly bytes: number;
  readonly staging: GPUBuffer;
  /** What was read last; exchanges work on it. */
  readonly values: Float32Array;
}

export class SharedValues {
  private readonly places = new Map<Submission, Place>();
  /** The last for which runs wait until other processes have theirs. */
  private readonly lastAwaited: Place | undefined;

  constructor(
    private readonly gpu: Gpu,
    submissions: readonly Submission[],
    buffers: Buffers,
  ) {
    for (const submission of submissions)
      if (submission.shared) this.places.set(submission, this.placeOf(submission.shared, buffers));
    this.lastAwaited = [...this.places.values()].findLast(({ shared }) => shared.kind === 'gather');
  }

  /** Whether runs wait for values of other processes, and cannot go on by themselves. */
  get areAwaited(): boolean {
    return this.lastAwaited !== undefined;
  }

  private placeOf(shared: Shared, buffers: Buffers): Place {
    const { from, to, bytes } = rangesOf(shared, buffers);
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    const staging = this.gpu.createBuffer('shared values', bytes, usage);
    return { shared, from, to, bytes, staging, values: new Float32Array(bytes / bytesPerElement) };
  }

  /**
   * Sums are begun one after another, each as soon as its values can be read, while the device works on; those before a point where the
   * run has to wait for others are begun behind the last of such points, as processes must begin all exchanges in the same order.
   */
  begin(peers: Peers): Exchanging {
    const under: Promise<void>[] = [];
    let begun: Promise<unknown> = Promise.resolve();
    const held: Place[] = [];
    let isHeld = this.areAwaited;
    const isLeftOut = ({ shared }: Place) => shared.kind === 'sum' && !peers.sum;
    const sum = (place: Place) => {
      const read = this.read(place);
      const before = begun;
      begun = (async () => {
        const values = await read;
        await before;
        under.push(peers.sum!(values).then(() => this.write(place, values)));
      })();
      under.push(begun as Promise<void>);
      begun.catch(() => {}); // `finish` tells
    };
    return {
      copies: (submission, encoder) => {
        const place = this.places.get(submission);
        if (!place || isLeftOut(place)) return;
        encoder.copyBufferToBuffer(place.from.buffer, place.from.offset, place.staging, 0, place.bytes);
      },
      behind: async (submission) => {
        const place = this.places.get(submission);
        if (!place || isLeftOut(place)) return;
        if (place.shared.kind === 'sum') {
          if (isHeld) held.push(place);
          else sum(place);
          return;
        }
        this.write(place, await peers.gather(await this.read(place), place.shared.label));
        if (place !== this.lastAwaited) return;
        isHeld = false;
        held.forEach(sum);
      },
      finish: async () => {
        if (!peers.sum) return;
        await this.gpu.finish();
        await peers.idle(begun.then(() => Promise.all(under)));
      },
    };
  }

  private async read({ staging, values }: Place): Promise<Float32Array> {
    await this.gpu.mapForReading(staging);
    values.set(new Float32Array(staging.getMappedRange()));
    staging.unmap();
    return values;
  }

  private write({ to }: Place, values: Float32Array): void {
    this.gpu.device.queue.writeBuffer(to.buffer, to.offset, values as Float32Array<ArrayBuffer>);
  }

  destroy(): void {
    for (const { staging } of this.places.values()) this.gpu.destroyBuffer(staging);
  }
}

function rangesOf(shared: Shared, buffers: Buffers): Pick<Place, 'from' | 'to' | 'bytes'> {
  if (shared.kind === 'gather')
    return { from: buffers.of(shared.own), to: buffers.of(shared.all), bytes: shared.own.bytes };
  const { buffer, offset } = buffers.of(shared.values);
  const range = { buffer, offset: offset + shared.first * bytesPerElement };
  return { from: range, to: range, bytes: shared.length * bytesPerElement };
}
