/** Ranks within this process: what tests of steps need of MPI. */
import type { Communicator } from '../../src/mpi/communicator.ts';

/** A collective under way: what ranks have given, and who waits for all. */
interface Meeting {
  readonly given: unknown[];
  readonly waiting: ((given: unknown[]) => void)[];
}

/** As many communicators; the n-th call of each belongs to the n-th of the others. Sums are added in the order of the ranks, in f32. */
export function localRanks(size: number): Communicator[] {
  const meetings: Meeting[] = [];
  return Array.from({ length: size }, (_, rank) => {
    let calls = 0;
    const meet = <T>(own: T): Promise<T[]> => {
      const meeting = (meetings[calls++] ??= { given: [], waiting: [] });
      meeting.given[rank] = own;
      return new Promise((resolve) => {
        meeting.waiting.push(resolve as (given: unknown[]) => void);
        if (meeting.waiting.length === size) for (const wake of meeting.waiting) wake(meeting.given);
      });
    };
    return {
      rank,
      size,
      async sum(values) {
        const [first, ...others] = await meet(values.slice());
        values.set(first);
        for (const other of others) for (let i = 0; i < values.length; i++) values[i] += other[i];
      },
      gather: async (own) => Float32Array.from((await meet(own.slice())).flatMap((values) => Array.from(values))),
      share: async (bytes) => (await meet(new Uint8Array(bytes)))[0],
      collect: (text) => meet(text),
      abort: () => {
        throw new Error(`rank ${rank} ends all`);
      },
      finish: async () => void (await meet(0)),
    };
  });
}

/** Runs the same in all ranks at once. */
export const onAll = <T>(ranks: readonly Communicator[], work: (ranks: Communicator) => Promise<T>): Promise<T[]> =>
  Promise.all(ranks.map(work));
