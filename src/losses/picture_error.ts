/** How far pictures are from what they should be. */
import { check, type Tensor } from '../graph/tensor.ts';
import { constant } from '../graph/trace.ts';
import { div, maximum, mul, sub } from '../ops/binary.ts';
import { mean, sum } from '../ops/reduce.ts';
import { log, square } from '../ops/unary.ts';
import { difference } from './distance.ts';

/** Three colours in four channels, of which the last is zero in both pictures. */
const perColour = 4 / 3;

/**
 * Mean squared error of the colours of pictures [N, H, W, 4], f32 or f16, the fourth channel zero in both, as f32 [1]. With `weight` (f32, of
 * a shape that broadcasts) each squared error counts so many times; the mean is over all colours all the same.
 */
export function pictureError(pred: Tensor, target: Tensor, weight?: Tensor): Tensor {
  check(pred.shape.length === 4 && pred.shape[3] === 4, 'picture_error', 'pictures are [N, H, W, 4]', pred);
  const squares = square(difference('picture_error', pred, target));
  return mul(mean(weight ? mul(squares, weight) : squares), perColour);
}

/** Mean colour of pictures [N, H, W, 4] where `share` [1 or N, H, W, 1] is 1, and not where it is 0: [N, 1, 1, 4]. */
export function meanColour(pictures: Tensor, share?: Tensor): Tensor {
  const axes = { keepdim: true };
  if (!share) return mean(pictures, [1, 2], axes);
  return div(sum(mul(pictures, share), [1, 2], axes), sum(share, [1, 2], axes));
}

/**
 * Peak signal-to-noise ratio in dB of pictures [N, H, W, 4] where `where` [1 or N, H, W, 1] is 1, by default everywhere, as f32 [1]:
 * 10 log₁₀ (1 / e), e the mean squared error of all of them together where colours are from 0 to 1. At most 120 dB.
 *
 * @param std what colours are divided by where they are normalised
 */
export function psnr(pred: Tensor, target: Tensor, std: readonly number[], where?: Tensor): Tensor {
  const squares = constant('squares of the deviations', Float32Array.of(...std.map((s) => s * s), 0));
  const error = pictureError(pred, target, where ? mul(squares, evenly(where)) : squares);
  return mul(log(maximum(error, 1e-12)), -10 / Math.LN10);
}

/** The weight by which a mean over all is the mean where `where` is 1, which it is not nowhere. */
export const evenly = (where: Tensor): Tensor => div(where, mean(where));

/** 1 − e / e₀, as f32 [1]: the share of the error of a guess that is gone; below 0 where the guess was better. */
export const explained = (error: Tensor, guessed: Tensor): Tensor => sub(1, div(error, maximum(guessed, 1e-12)));
