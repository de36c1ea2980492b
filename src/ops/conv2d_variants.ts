/** The ways to compute a convolution on a device: what each family of kernels offers, the one that the fixed table takes first. */
import type { Variants } from '../graph/tensor.ts';
import type { Convolution } from './conv2d_launches.ts';
import * as portable from './conv2d_launches.ts';
import { emulated, matrix } from './conv2d_matrix.ts';
import * as octet from './conv2d_octet.ts';
import * as tiled from './conv2d_tiled.ts';
import { ordered } from './variants.ts';

export const forwardVariants = (conv: Convolution): Variants => ({
  ...ordered(
    conv.device,
    octet.forwardVariants(conv),
    portable.forwardVariants(conv),
    tiled.forwardVariants(conv),
    matrix.forward(conv),
  ),
  ...emulated.forward(conv),
});

export const backwardInputVariants = (conv: Convolution): Variants => ({
  ...ordered(
    conv.device,
    octet.backwardInputVariants(conv),
    portable.backwardInputVariants(conv),
    tiled.backwardInputVariants(conv),
    matrix.backwardInput(conv),
  ),
  ...emulated.backwardInput(conv),
});

export const backwardWeightVariants = (conv: Convolution): Variants => ({
  ...ordered(
    conv.device,
    octet.backwardWeightVariants(conv),
    portable.backwardWeightVariants(conv),
    tiled.backwardWeightVariants(conv),
    matrix.backwardWeight(conv),
  ),
  ...emulated.backwardWeight(conv),
});
