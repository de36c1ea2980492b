/** An exponential moving average for curves whose points may stand for several steps each. */

/**
 * `s ← a·s + (1 − a)·v`, divided by the weight of what was seen, so that it does not begin at nought (as Adam's moments and TensorBoard
 * do it). A point that stands for n lines counts n times: its weight is aⁿ, and the curve does not depend on how it was thinned out.
 * @param weight a, from 0 (none) to below 1
 * @param lines for how many lines each value stands
 */
export function smoothed(values: readonly number[], weight: number, lines = 1): number[] {
  if (weight <= 0) return [...values];
  const kept = weight ** lines;
  let sum = 0;
  let seen = 0;
  return values.map((value) => {
    sum = kept * sum + (1 - kept) * value;
    seen = kept * seen + (1 - kept);
    return sum / seen;
  });
}
