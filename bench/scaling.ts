import type { Gpu } from '../src/gpu/device.ts';
import { bytesPerElement } from '../src/graph/tensor.ts';
import type { Item, Request } from './benchmark.ts';
import { ntXentItem } from './cases/nt_xent.ts';
import { stepItem } from './cases/step.ts';

/** Items of one case that grow; the first that the device refuses, or that takes too long, ends them. */
export interface Series {
  readonly op: string;
  readonly items: readonly Item<unknown>[];
}

/** A row that takes longer ends its series. */
export const longestScalingMilliseconds = 20_000;

/** The most pairs whose 2N × 2N matrix fits into a binding. */
export const largestStoredPairs = (bindingBytes: number): number =>
  Math.floor(Math.sqrt(bindingBytes / bytesPerElement) / 2);

const doubling = (first: number, most: number): number[] => {
  const values: number[] = [];
  for (let value = first; value <= most; value *= 2) values.push(value);
  return values;
};

/**
 * Steps of growing batches, and NT-Xent from 64 pairs on to the first power of two whose similarity matrix could not be stored.
 * With `quick` only up to 8 and 512 pairs.
 */
export function scalingSeries({ traits }: Pick<Gpu, 'traits'>, { imageSize, quick }: Request): Series[] {
  const stored = largestStoredPairs(traits.limits['maxStorageBufferBindingSize']);
  const steps = doubling(2, quick ? 8 : 4096).map((pairs) => stepItem({ pairs, imageSize }));
  const losses = doubling(64, quick ? 512 : 2 * stored).map(ntXentItem);
  return [
    { op: 'step', items: steps as Item<unknown>[] },
    { op: 'nt_xent', items: losses as Item<unknown>[] },
  ];
}
