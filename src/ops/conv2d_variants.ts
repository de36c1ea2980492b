/** The ways to compute a convolution on a device: what each family of kernels offers, the one that the fixed table takes first. */
import type { DeviceTraits } from '../gpu/device.ts';
import type { Variants } from '../graph/tensor.ts';
import type { Convolution } from './conv2d_launches.ts';
import * as gather from './conv2d_launches.ts';

/**
 * Families are given from the one for software rasterisers to the one for the largest GPUs: a software rasteriser takes the first
 * variant of the first family, which needs no barrier, a GPU the first of the last family that offers anything.
 */
function ordered({ software }: DeviceTraits, ...families: readonly Variants[]): Variants {
  return Object.assign({}, ...(software ? families : families.toReversed()));
}

export const forwardVariants = (conv: Convolution): Variants => ordered(conv.device, gather.forwardVariants(conv));

export const backwardInputVariants = (conv: Convolution): Variants =>
  ordered(conv.device, gather.backwardInputVariants(conv));

export const backwardWeightVariants = (conv: Convolution): Variants =>
  ordered(conv.device, gather.backwardWeightVariants(conv));
