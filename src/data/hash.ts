/**
 * Counter-based randomness: a number is a function of what it is for (seed, epoch, sample, draw), never of how often a
 * generator was called before. So nothing depends on how work was scheduled, and a resumed run draws what the
 * uninterrupted one would have drawn.
 */

/**
 * Bijective mixer of 32-bit words ("lowbias32", Chris Wellons, "Prospecting for Hash Functions", 2018):
 * `x ^= x>>16; x *= 0x7feb352d; x ^= x>>15; x *= 0x846ca68b; x ^= x>>16`, all modulo 2³².
 */
export function lowbias32(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/**
 * Folds non-negative integers into one 32-bit word; order matters, and so does every bit up to 2⁵³ (each integer goes in
 * as a low and a high word), so seeds that differ only above bit 31 stay different.
 */
export function hashWords(...words: number[]): number {
  let state = 0x9e3779b9;
  for (const word of words) {
    if (!Number.isSafeInteger(word) || word < 0)
      throw new RangeError(`[hash] ${word} is not an integer from 0 to 2^53-1`);
    state = lowbias32(state ^ (word >>> 0));
    state = lowbias32((state + 0x9e3779b9 + Math.floor(word / 2 ** 32)) >>> 0);
  }
  return state;
}

/**
 * The stream of 32-bit words that belongs to `words`: `stream(i)` is word number i, in any order of calls. Two key words
 * and two rounds, so that the streams of two keys are not one sequence shifted.
 */
export function wordStream(...words: number[]): (i: number) => number {
  const first = hashWords(...words, 1);
  const second = hashWords(...words, 2);
  return (i) => lowbias32(lowbias32((i + first) >>> 0) ^ second);
}

/** Word of 32 bits → uniform in [0, 1), a multiple of 2⁻³². */
export const toUnit = (word: number): number => word / 2 ** 32;
