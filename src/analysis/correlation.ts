/** How far two lists of numbers go together. */

/** Ranks from 1, the smallest first; equal values have the mean of theirs, as in `scipy.stats.rankdata`. */
export function ranks(values: ArrayLike<number>): Float64Array {
  const order = Array.from(values, (_, i) => i).sort((a, b) => values[a] - values[b]);
  const found = new Float64Array(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end]] === values[order[start]]) end++;
    for (let i = start; i < end; i++) found[order[i]] = (start + 1 + end) / 2;
    start = end;
  }
  return found;
}

/** Pearson's correlation, from −1 to 1; NaN where all values of a list are equal. Error: lists of different lengths. */
export function pearson(x: ArrayLike<number>, y: ArrayLike<number>): number {
  if (x.length !== y.length) throw new Error(`[correlation] lists of ${x.length} and of ${y.length} numbers`);
  const n = x.length;
  const mean = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0) / n;
  const [mx, my] = [mean(x), mean(y)];
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    xy += (x[i] - mx) * (y[i] - my);
    xx += (x[i] - mx) ** 2;
    yy += (y[i] - my) ** 2;
  }
  // Rounding may not bring it beyond 1, of which the interval has no sense.
  return xx > 0 && yy > 0 ? Math.max(-1, Math.min(1, xy / Math.sqrt(xx * yy))) : Number.NaN;
}

/** Spearman's rank correlation: Pearson's of the ranks. */
export const spearman = (x: ArrayLike<number>, y: ArrayLike<number>): number => pearson(ranks(x), ranks(y));

/** 97.5 % of a normal distribution lie below it. */
const quantile = 1.959963984540054;

/**
 * The 95 % interval of a correlation of n pairs by Fisher's transform: tanh(artanh r ± 1.96 σ), with σ = 1/√(n − 3) for Pearson's and
 * √((1 + r²/2) / (n − 3)) for Spearman's (Bonett & Wright, 2000). From −1 to 1 of three pairs and fewer.
 */
export function correlationInterval(r: number, n: number, of: 'pearson' | 'spearman'): [low: number, high: number] {
  if (n <= 3) return [-1, 1];
  const deviation = Math.sqrt((of === 'spearman' ? 1 + r ** 2 / 2 : 1) / (n - 3));
  return [Math.tanh(Math.atanh(r) - quantile * deviation), Math.tanh(Math.atanh(r) + quantile * deviation)];
}
