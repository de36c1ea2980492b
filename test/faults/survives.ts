/** A reader that is given damaged content again and again. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { isPlain, rounds, seed, Tries } from './campaign.ts';

const numRuns = 2000 * rounds;
/** Far above what any of these files takes, below what a hang would. */
const longest = 5_000;

/** Tries `read` on damaged content; `whole` throws where what was read makes no sense. */
export async function survives<D>(
  what: string,
  arbitrary: fc.Arbitrary<D>,
  read: (damage: D) => unknown,
  whole: (value: never, damage: D) => void = () => undefined,
): Promise<void> {
  const tries = new Tries('damaged files', what);
  const property = fc.asyncProperty(arbitrary, async (damage) => {
    await tries.try(async () => {
      const start = performance.now();
      let value: unknown;
      try {
        value = await read(damage);
      } catch (error) {
        if (!isPlain(error)) throw error;
      }
      expect(performance.now() - start).toBeLessThan(longest);
      if (value !== undefined) whole(value as never, damage);
    });
  });
  try {
    await fc.assert(property, { numRuns, seed });
  } finally {
    tries.close();
  }
}
