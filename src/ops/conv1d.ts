import type { Tensor } from '../graph/tensor.ts';
import { conv2d } from './conv2d.ts';
import { reshape } from './reshape.ts';
import { pad } from './strided_copy.ts';

export interface Conv1dAttributes {
  readonly stride: number;
  /** Zeros before and behind each sequence. */
  readonly padding: number;
}

/**
 * 1-D convolution (cross-correlation, as `torch.nn.functional.conv1d`) without bias: a 2-D one of images of height 1. x [N, T, C],
 * w [O, 1, k, C], both f32 or both f16 → [N, ⌊(T + 2·padding − k)/stride⌋ + 1, O]. Any sizes.
 */
export function conv1d(x: Tensor, w: Tensor, { stride = 1, padding = 0 }: Partial<Conv1dAttributes> = {}): Tensor {
  const padded =
    padding === 0
      ? x
      : pad(x, [
          [0, 0],
          [padding, padding],
          [0, 0],
        ]);
  const [n, frames, channels] = padded.shape;
  const y = conv2d(reshape(padded, [n, 1, frames, channels]), w, { stride });
  return reshape(y, [n, y.shape[2], y.shape[3]]);
}
