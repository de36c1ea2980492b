/** Collectives over processes that mpirun started. */
import { expect, it } from 'vitest';
import { describeMpi, mpirun } from './mpirun.ts';

describeMpi('MPI', () => {
  it.each([2, 3])(
    '%i ranks find the same sums, rows and texts, and wait with their event loops alive',
    async (size) => {
      const { code, out, err } = await mpirun(size, ['test/mpi/collectives.mjs']).done;
      expect({ code, err }).toEqual({ code: 0, err: '' });
      const found = JSON.parse(out) as Record<string, unknown>[];
      expect(found.map(({ rank }) => rank)).toEqual(Array.from({ length: size }, (_, i) => i));
      const sum = (size * (size - 1)) / 2;
      for (const { rank: _, turns, ...own } of found) {
        expect(own).toEqual({
          first: sum,
          last: size * 100_002 + sum,
          gathered: Array.from({ length: size }, (_, i) => [i + 0.5, -1 - i]).flat(),
          shared: 'Grüße',
          texts: Array.from({ length: size }, (_, i) => 'ü'.repeat(i)),
        });
        expect(turns).toBeGreaterThan(3);
      }
    },
  );
});
