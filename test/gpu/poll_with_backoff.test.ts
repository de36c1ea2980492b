/** Waiting for a device leaves the processor to others, and ends when it should. */
import { afterEach, expect, it, vi } from 'vitest';
import { pollWithBackoff } from '../../src/gpu/poll_with_backoff.ts';

afterEach(() => vi.restoreAllMocks());

/** A sleep of the event loop, milliseconds: when it began, how long it was to be and how long it was. */
interface Sleep {
  readonly at: number;
  readonly asked: number;
  readonly taken: number;
}

/** Sleeps from now on. */
function watchSleeps(): Sleep[] {
  const sleeps: Sleep[] = [];
  const { wait } = Atomics;
  const start = performance.now();
  vi.spyOn(Atomics, 'wait').mockImplementation(((cell: Int32Array, index: number, value: number, asked: number) => {
    const at = performance.now() - start;
    const result = wait(cell, index, value, asked);
    sleeps.push({ at, asked, taken: performance.now() - start - at });
    return result;
  }) as typeof Atomics.wait);
  return sleeps;
}

const later = <T>(ms: number, value: T): Promise<T> => new Promise((resolve) => setTimeout(() => resolve(value), ms));

it('most of a wait is slept through, in pieces of a millisecond at most, and shorter ones at first', async () => {
  const sleeps = watchSleeps();
  expect(await pollWithBackoff(later(150, 'value'))).toBe('value');
  expect(sleeps.reduce((sum, { taken }) => sum + taken, 0)).toBeGreaterThan(75);
  for (const { at, asked } of sleeps) expect(asked).toBeLessThanOrEqual(Math.min(1, at / 64));
});

it('nothing sleeps when nobody waits any more', async () => {
  await expect(pollWithBackoff(later(5, 0).then(() => Promise.reject(new Error('lost'))))).rejects.toThrow('lost');
  const sleeps = watchSleeps();
  await later(20, 0);
  expect(sleeps).toEqual([]);
});

it('of several waits each ends by itself, and a turn sleeps once for all of them', async () => {
  let turns = 0;
  let counting = true;
  const count = () => {
    turns++;
    if (counting) setImmediate(count);
  };
  const sleeps = watchSleeps();
  setImmediate(count);
  const waits = [10, 60, 30].map((ms) => pollWithBackoff(later(ms, ms)));
  expect(await Promise.race(waits)).toBe(10);
  expect(await Promise.all(waits)).toEqual([10, 60, 30]);
  counting = false;
  expect(sleeps.length).toBeLessThanOrEqual(turns + 1);
  expect(await pollWithBackoff(later(30, 'again'))).toBe('again');
});
