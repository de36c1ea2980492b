import type { Gpu } from '../gpu/device.ts';
import type { Plan } from './plan.ts';
import { byteLength } from './tensor.ts';

const storage = () => GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;

/** The smallest buffer that WebGPU binds comfortably: no tensor takes less. */
export const leastBytes = 16;

/**
 * Which of the pool's buffers, of `held` bytes, serve as a plan's buffers: for each of these the index of the smallest that is
 * large enough and serves as no other, a new one at the end of `held` where there is none. Undefined for a buffer whose allocation
 * is dedicated: what it holds outside its tensors must not change.
 */
function assignPooled({ bufferSizes, allocations }: Plan, held: number[]): (number | undefined)[] {
  const own = new Set(allocations.filter(({ dedicated }) => dedicated).map(({ buffer }) => buffer));
  const pooled: (number | undefined)[] = bufferSizes.map(() => undefined);
  const taken = new Set<number>();
  const largestFirst = [...bufferSizes.keys()]
    .filter((buffer) => !own.has(buffer))
    .sort((a, b) => bufferSizes[b] - bufferSizes[a]);
  for (const buffer of largestFirst) {
    const bytes = Math.max(leastBytes, bufferSizes[buffer]);
    let best: number | undefined;
    for (const [index, size] of held.entries())
      if (!taken.has(index) && size >= bytes && (best === undefined || size < held[best])) best = index;
    pooled[buffer] = best ?? held.push(bytes) - 1;
    taken.add(pooled[buffer]);
  }
  return pooled;
}

/**
 * Memory for the intermediates of programs that run one after another: each takes what the earlier compiled ones have, as far as it
 * fits, so the program that needs most is to be compiled first. What one program leaves in them, another overwrites.
 */
export class BufferPool {
  private readonly sizes: number[] = [];
  private readonly buffers: GPUBuffer[] = [];

  constructor(private readonly gpu: Gpu) {}

  /** For each buffer of a plan that of the pool, undefined where the program must have one of its own. */
  take(plan: Plan): (GPUBuffer | undefined)[] {
    const pooled = assignPooled(plan, this.sizes);
    for (let index = this.buffers.length; index < this.sizes.length; index++)
      this.buffers.push(this.gpu.createBuffer(`shared intermediate ${index}`, this.sizes[index], storage()));
    return pooled.map((index) => (index === undefined ? undefined : this.buffers[index]));
  }

  /** Gives the memory back to the device, after the programs are destroyed. */
  release(): void {
    for (const buffer of this.buffers) this.gpu.release(buffer);
  }
}

/**
 * Bytes that programs take which share a pool and are compiled in this order: buffers of intermediates, and inputs, constants and
 * variables, those that they share once.
 */
export function memoryOf(plans: readonly Plan[]): { intermediates: number; leaves: number } {
  const shared: number[] = [];
  let own = 0;
  for (const plan of plans) {
    const pooled = assignPooled(plan, shared);
    own += sum(plan.bufferSizes.filter((_, buffer) => pooled[buffer] === undefined));
  }
  const leaves = new Set(plans.flatMap((plan) => plan.leaves));
  return { intermediates: own + sum(shared), leaves: sum([...leaves].map(byteLength)) };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
