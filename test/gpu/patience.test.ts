/** Waiting for a device leaves the processor to others, and ends when it should. */
import { afterEach, expect, it, vi } from 'vitest';
import { patiently } from '../../src/gpu/patience.ts';

afterEach(() => vi.restoreAllMocks());

/** Sleeps of the event loop from now on: how long each was to be, milliseconds. */
function watchSleeps(): number[] {
  const sleeps: number[] = [];
  const { wait } = Atomics;
  vi.spyOn(Atomics, 'wait').mockImplementation(((cell: Int32Array, index: number, value: number, ms: number) => {
    sleeps.push(ms);
    return wait(cell, index, value, ms);
  }) as typeof Atomics.wait);
  return sleeps;
}

const later = <T>(ms: number, value: T): Promise<T> => new Promise((resolve) => setTimeout(() => resolve(value), ms));
const total = (sleeps: readonly number[]) => sleeps.reduce((sum, ms) => sum + ms, 0);

it('most of a wait is slept through, a millisecond at a time at most', async () => {
  const sleeps = watchSleeps();
  expect(await patiently(later(150, 'value'))).toBe('value');
  expect(total(sleeps)).toBeGreaterThan(75);
  expect(Math.max(...sleeps)).toBeLessThanOrEqual(1);
  // What takes no time is not slept over.
  expect(sleeps[0]).toBeLessThan(0.5);
});

it('nothing sleeps when nobody waits any more', async () => {
  await expect(patiently(later(5, 0).then(() => Promise.reject(new Error('lost'))))).rejects.toThrow('lost');
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
  const waits = [10, 60, 30].map((ms) => patiently(later(ms, ms)));
  expect(await Promise.race(waits)).toBe(10);
  expect(await Promise.all(waits)).toEqual([10, 60, 30]);
  counting = false;
  expect(sleeps.length).toBeLessThanOrEqual(turns + 1);
  expect(await patiently(later(30, 'again'))).toBe('again');
});
