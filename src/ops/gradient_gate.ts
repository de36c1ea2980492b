import type { Tensor } from '../graph/tensor.ts';
import { add } from './add.ts';
import { mul, sub } from './binary.ts';
import { detach } from './detach.ts';

/**
 * x, whose gradient is multiplied by `open` (f32 [1], 0 to 1): with 0 it is a constant to whoever differentiates, in the steps where a
 * feed says so. The value is x · open + x · (1 − open), which is x itself at 0 and at 1.
 */
export const gradientGate = (x: Tensor, open: Tensor): Tensor => add(mul(x, open), mul(detach(x), sub(1, open)));
