import type { Tensor } from '../graph/tensor.ts';
import { sub } from '../ops/binary.ts';
import { mean } from '../ops/reduce.ts';

/** The rows of a matrix [N, D] without their mean over the batch. */
export const centred = (z: Tensor): Tensor => sub(z, mean(z, 0, { keepdim: true }));
