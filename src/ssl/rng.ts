/** Draws of the host that depend on counters and on nothing else, so that a run that is resumed draws the same. */

/** lowbias32: every bit of the result depends on every bit of x. */
function mix(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

export interface Random {
  /** In [0, 1). */
  uniform(): number;
  /** A whole number from 0 to n − 1. */
  below(n: number): number;
  /** N(0, 1), by Box and Muller's transform. */
  normal(): number;
}

/** A stream of numbers for each tuple of counters, such as (seed, epoch, image, view). */
export function random(...counters: readonly number[]): Random {
  let key = 0x9e3779b9;
  for (const counter of counters) {
    key = mix(key ^ (counter >>> 0));
    key = mix((key + Math.floor(counter / 2 ** 32)) >>> 0);
  }
  let drawn = 0;
  const uniform = () => mix((key + Math.imul(++drawn, 0x9e3779b9)) >>> 0) / 2 ** 32;
  return {
    uniform,
    below: (n) => Math.floor(uniform() * n),
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  };
}
