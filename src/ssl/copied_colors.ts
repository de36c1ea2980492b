/** How often the right colour was copied, beside guesses that need no learning. */
import type { Tensor } from '../graph/tensor.ts';
import { add } from '../ops/add.ts';
import { amax } from '../ops/amax.ts';
import { argmaxRows } from '../ops/argmax_rows.ts';
import { div, mul, sub } from '../ops/binary.ts';
import { gatherRows } from '../ops/gather_rows.ts';
import { mean, sum } from '../ops/reduce.ts';
import { reshape } from '../ops/reshape.ts';
import { oneOf } from './ab_palette.ts';
import type { Metric } from './method.ts';
import { accuracy } from './metrics.ts';

const share = (label: string, note: string): Metric => ({ label, note, format: 'percent', epoch: 'mean' });

/** What `copiedColors` measures. */
export const copiedMetrics = {
  accuracy,
  moved: share('moved', 'accuracy where the frame before has another colour in the same place'),
  samePlace: share('same place', 'accuracy of copying from the same place of the frame before'),
  commonest: share('commonest', 'accuracy of always guessing the most frequent class of colours'),
} as const;

/** Of each place the class that has most of what was carried [N, P, K], as rows of a single 1. */
export function likeliest(carried: Tensor): Tensor {
  const [n, places, classes] = carried.shape;
  return reshape(gatherRows(oneOf(classes), argmaxRows(reshape(carried, [n * places, classes]))), carried.shape);
}

/**
 * Shares of places, f32 [1] each.
 *
 * @param copied the classes that were copied, rows of a single 1, [N, P, K]; so are the others
 * @param before the classes of the frame before, place by place
 */
export function copiedColors(
  copied: Tensor,
  truth: Tensor,
  before: Tensor,
): Record<keyof typeof copiedMetrics, Tensor> {
  const right = (guess: Tensor) => sum(mul(guess, truth), 2);
  const [hit, still] = [right(copied), right(before)];
  const changed = sub(1, still);
  // Where nothing has changed it is 0 of (nearly) 0.
  const moved = div(sum(mul(hit, changed)), add(sum(changed), 1e-6));
  return { accuracy: mean(hit), moved, samePlace: mean(still), commonest: amax(mean(truth, [0, 1])) };
}
