import type { DeviceTraits } from '../gpu/device.ts';
import type { Variants } from '../graph/tensor.ts';

/**
 * Families are given from the one for software rasterisers to the one for the largest GPUs: a software rasteriser takes the first
 * variant of the first family, which needs no barrier, a GPU the first of the last family that offers anything.
 */
export function ordered({ software }: DeviceTraits, ...families: readonly Variants[]): Variants {
  return Object.assign({}, ...(software ? families : families.toReversed()));
}
