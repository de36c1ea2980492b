/** How often a training is kept in the host's memory. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { KeepTimes } from '../../src/web/kept.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

it.each([10, 300, 2000])('keeping that takes %i ms costs less than 2 % of the time', async (cost) => {
  const times = new KeepTimes();
  times.start();
  let spent = 0;
  const minutes = 60;
  for (let at = 0; at < minutes * 60_000; at += 100) {
    vi.advanceTimersByTime(100);
    if (!times.isDue) continue;
    await times.time(async () => {
      vi.advanceTimersByTime(cost);
      spent += cost;
    });
  }
  expect(spent).toBeGreaterThan(0);
  expect(spent / (minutes * 60_000)).toBeLessThan(0.02);
});
