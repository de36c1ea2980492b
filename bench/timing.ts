import { pollWithBackoff } from '../src/gpu/poll_with_backoff.ts';
import type { Implementation } from './benchmark.ts';

/** Wall time of `work`. */
export async function milliseconds(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/**
 * Milliseconds that an implementation takes for its work done so many times, by its own clock where it brings one. All of them are
 * waited for in the same way: a device that is the host's own processors would lack the one that asks whether it is done.
 */
const timed = (implementation: Implementation, times: number): Promise<number> =>
  implementation.timed?.(times) ?? milliseconds(() => pollWithBackoff(implementation.run(times)));

/** How samples of an implementation are taken. */
export interface Pace {
  /** Runs in a sample. */
  readonly repeats: number;
  /** Whether a run that is not counted comes before each sample. */
  readonly leadIn: boolean;
}

/** A sample is made of as many runs as last about this long, so that submitting and waiting hardly count. */
const sampleMilliseconds = 10;
const mostRepeats = 1000;
/** Samples longer than this are taken without a lead-in: what it would take away hardly shows in them. */
const longMilliseconds = 1000;

/** Warms an implementation up and finds how many runs make a sample. */
export async function paceOf(implementation: Implementation): Promise<Pace> {
  let repeats = 1;
  for (;;) {
    const ms = await timed(implementation, repeats);
    if (ms >= sampleMilliseconds || repeats >= mostRepeats) return { repeats, leadIn: ms < longMilliseconds };
    repeats = Math.min(mostRepeats, Math.ceil(repeats * Math.max(2, (1.2 * sampleMilliseconds) / ms)));
  }
}

/**
 * Time of one run in a sample. The memory that the implementation before has left to be freed, and the caches that it has filled,
 * are charged to the lead-in.
 */
export async function sample(implementation: Implementation, { repeats, leadIn }: Pace): Promise<number> {
  if (leadIn) await implementation.run(1);
  return (await timed(implementation, repeats)) / repeats;
}

/** The middle of the values, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}
