import type { Gpu } from '../gpu/device.ts';
import type { Plan } from './plan.ts';
import { byteLength } from './tensor.ts';

const storage = () => GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;

/** The smallest buffer that WebGPU binds comfortably: no tensor takes less. */
export const leastBytes = 16;

/**
 * Where the slots of a plan go among buffers of `held` bytes: for each slot the index of the smallest buffer that it fits into and
 * that no other slot of the plan has, a new one at the end of `held` where there is none. Undefined for a slot whose block is
 * dedicated: what it holds outside its tensors must not change.
 */
function placeSlots({ slots, blocks }: Plan, held: number[]): (number | undefined)[] {
  const own = new Set(blocks.filter(({ dedicated }) => dedicated).map(({ slot }) => slot));
  const places: (number | undefined)[] = slots.map(() => undefined);
  const taken = new Set<number>();
  const largestFirst = [...slots.keys()].filter((slot) => !own.has(slot)).sort((a, b) => slots[b] - slots[a]);
  for (const slot of largestFirst) {
    const bytes = Math.max(leastBytes, slots[slot]);
    let best: number | undefined;
    for (const [index, size] of held.entries())
      if (!taken.has(index) && size >= bytes && (best === undefined || size < held[best])) best = index;
    places[slot] = best ?? held.push(bytes) - 1;
    taken.add(places[slot]);
  }
  return places;
}

/**
 * Memory for the intermediates of programs that run one after another: each takes what the earlier compiled ones have, as far as it
 * fits, so the program that needs most is to be compiled first. What one program leaves in its slots, another overwrites.
 */
export class SlotPool {
  private readonly sizes: number[] = [];
  private readonly buffers: GPUBuffer[] = [];

  constructor(private readonly gpu: Gpu) {}

  /** For each slot of a plan its buffer, undefined where the program must have one of its own. */
  take(plan: Plan): (GPUBuffer | undefined)[] {
    const places = placeSlots(plan, this.sizes);
    for (let index = this.buffers.length; index < this.sizes.length; index++)
      this.buffers.push(this.gpu.createBuffer(`shared slot ${index}`, this.sizes[index], storage()));
    return places.map((place) => (place === undefined ? undefined : this.buffers[place]));
  }

  /** Gives the memory back to the device, after the programs are destroyed. */
  release(): void {
    for (const buffer of this.buffers) this.gpu.release(buffer);
  }
}

/**
 * Bytes that programs take which share a pool and are compiled in this order: slots of intermediates, and inputs, constants and
 * variables, those that they share once.
 */
export function memoryOf(plans: readonly Plan[]): { intermediates: number; leaves: number } {
  const shared: number[] = [];
  let own = 0;
  for (const plan of plans) {
    const places = placeSlots(plan, shared);
    own += sum(plan.slots.filter((_, slot) => places[slot] === undefined));
  }
  const leaves = new Set(plans.flatMap((plan) => plan.leaves));
  return { intermediates: own + sum(shared), leaves: sum([...leaves].map(byteLength)) };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
