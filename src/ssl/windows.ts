/** Where windows of sequences begin. */
import { random } from './rng.ts';

/** Apart from what methods draw of the same sample. */
const windowDraw = 0x77696e64;

/** The first frame of a window of a sequence, drawn from all places where it fits. @param counters such as (seed, epoch, sequence) */
export const windowStart = (length: number, window: number, counters: readonly number[]): number =>
  random(...counters, windowDraw).below(length - window + 1);

/** First frames of at most so many windows, evenly over a sequence, the first at its beginning and the last at its end; one is in its middle. */
export function windowStarts(length: number, window: number, most: number): number[] {
  const places = length - window;
  const count = Math.min(most, Math.ceil(length / window));
  return Array.from({ length: count }, (_, i) => Math.floor(count === 1 ? places / 2 : (i * places) / (count - 1)));
}
