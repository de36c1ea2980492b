/** Draws of the host that depend on counters and on nothing else, so that a run that is resumed draws the same. */

import { toUnit, wordStream } from '../data/hash.ts';

/** A stream of random numbers, by `random`. */
export interface Random {
  /** In [0, 1). */
  uniform(): number;
  /** A whole number from 0 to n − 1. */
  below(n: number): number;
  /** N(0, 1), by Box and Muller's transform. */
  normal(): number;
}

/** A stream of numbers for each tuple of counters, such as (seed, epoch, image, view): whole numbers of 0 or more. */
export function random(...counters: readonly number[]): Random {
  const word = wordStream(...counters);
  let drawn = 0;
  const uniform = () => toUnit(word(drawn++));
  return {
    uniform,
    below: (n) => Math.floor(uniform() * n),
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  };
}
