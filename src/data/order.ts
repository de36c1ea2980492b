import { toUnit, wordStream } from './hash.ts';

/** Purpose of the stream: keeps the order of an epoch apart from every other use of the same seed. */
const ORDER_STREAM = 0x0d0e;

/**
 * The order in which an epoch visits the images: a permutation of 0 … count−1 that depends on (count, seed, epoch) and on
 * nothing else, so a run resumed at any step finds the order it had.
 *
 * Fisher–Yates from the top: `for i = count−1 … 1: swap(order[i], order[j])`, `j = ⌊u·(i+1)⌋`, where `u` is word number i
 * of the stream (seed, epoch). The bias of scaling a 32-bit word is below count/2³².
 *
 * @param count images, 0 to 2³²−1
 * @param seed an integer from 0 to 2⁵³−1
 * @param epoch likewise
 */
export function epochOrder(count: number, seed: number, epoch: number): Uint32Array {
  if (!Number.isInteger(count) || count < 0 || count >= 2 ** 32) {
    throw new RangeError(`[epochOrder] count ${count} is not an integer from 0 to 2^32-1`);
  }
  const word = wordStream(ORDER_STREAM, seed, epoch);
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(toUnit(word(i)) * (i + 1));
    const held = order[i];
    order[i] = order[j];
    order[j] = held;
  }
  return order;
}

/**
 * Epochs' orders one behind the other, without an end: the images at `length` places from `first` on. Each comes once before any comes
 * again, wherever a step begins.
 */
export function endlessOrder(count: number, seed: number): (first: number, length: number) => Uint32Array {
  let last: { epoch: number; order: Uint32Array } | undefined; // saves a shuffle in every step
  const at = (place: number): number => {
    const epoch = Math.floor(place / count);
    if (last?.epoch !== epoch) last = { epoch, order: epochOrder(count, seed, epoch) };
    return last.order[place % count];
  };
  return (first, length) => Uint32Array.from({ length }, (_, i) => at(first + i));
}

/** Steps of an epoch: whole batches only; the up to batch−1 images left over are dropped (others each epoch). */
export const stepsPerEpoch = (count: number, batch: number): number => Math.floor(count / batch);

/** Samples of which epochs are made. */
export interface SampleCount {
  readonly count: number;
  /**
   * Where processes that share the batches have samples of their own: how many each has. Those of the first have the first numbers. Of
   * R parts each gives an R-th of every batch.
   */
  readonly parts?: readonly number[] | undefined;
}

/** Steps of an epoch of a set: where there are parts, as many as the smallest of them allows. */
export const epochSteps = ({ count, parts = [count] }: SampleCount, batch: number): number =>
  Math.min(...parts.map((own) => stepsPerEpoch(own, batch / parts.length)));

/**
 * The samples of an epoch in their order, batches one behind the other: those of `epochOrder`; of a set with parts, in each batch the next
 * of every part, in the order that the part would have by itself.
 */
export function epochSamples(samples: SampleCount, seed: number, epoch: number, batch: number): Uint32Array {
  const { count, parts } = samples;
  if (!parts) return epochOrder(count, seed, epoch);
  const [steps, share] = [epochSteps(samples, batch), batch / parts.length];
  const order = new Uint32Array(steps * batch);
  let first = 0;
  for (const [part, own] of parts.entries()) {
    const dealt = epochOrder(own, seed, epoch).subarray(0, steps * share);
    dealt.forEach((sample, i) => {
      order[Math.floor(i / share) * batch + part * share + (i % share)] = first + sample;
    });
    first += own;
  }
  return order;
}

/** Image indices of one step of an epoch: a view of `order`, not a copy. */
export function batchOf(order: Uint32Array, step: number, batch: number): Uint32Array {
  if (step < 0 || step >= stepsPerEpoch(order.length, batch)) {
    throw new RangeError(
      `[batchOf] step ${step} of an epoch of ${stepsPerEpoch(order.length, batch)} steps ` +
        `(${order.length} images in batches of ${batch})`,
    );
  }
  return order.subarray(step * batch, (step + 1) * batch);
}
