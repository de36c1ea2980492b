/** Features of sets that several processes compute together: each those of a part of the samples, and all get all. */
import type { SampleSet } from '../data/samples.ts';
import type { Communicator } from '../mpi/communicator.ts';
import type { SetEmbedder } from './set_embedder.ts';

/**
 * Rows [count, dimensions] of which each process computes some, one after another.
 *
 * @param bounds ascending from 0 to count: process r computes rows bounds[r] to before bounds[r + 1]
 * @param compute rows [end − begin, dimensions] of this process
 */
export async function rowsTogether(
  ranks: Pick<Communicator, 'rank' | 'size' | 'gather'>,
  bounds: readonly number[],
  dimensions: number,
  compute: (begin: number, end: number) => Promise<Float32Array>,
): Promise<Float32Array> {
  const { rank, size } = ranks;
  const lengths = Array.from({ length: size }, (_, r) => bounds[r + 1] - bounds[r]);
  const room = Math.max(...lengths) * dimensions; // each gives as much as the one that has most
  const own = new Float32Array(room);
  if (lengths[rank] > 0) own.set(await compute(bounds[rank], bounds[rank + 1]));
  const all = await ranks.gather(own);
  const rows = new Float32Array(bounds[size] * dimensions);
  for (const [r, length] of lengths.entries())
    rows.set(all.subarray(r * room, r * room + length * dimensions), bounds[r] * dimensions);
  return rows;
}

/** Rows [count, dimensions] in even parts; all of them by a process that is alone. */
export const rowsInShares = (
  ranks: Communicator | undefined,
  count: number,
  dimensions: number,
  compute: (begin: number, end: number) => Promise<Float32Array>,
): Promise<Float32Array> =>
  ranks ? rowsTogether(ranks, evenBounds(count, ranks.size), dimensions, compute) : compute(0, count);

/** Bounds of parts that differ by one row at most. */
export const evenBounds = (count: number, size: number): number[] =>
  Array.from({ length: size + 1 }, (_, r) => Math.floor((r * count) / size));

/** Bounds among the samples that are wanted, ascending, so that each process has those that are its own. */
function ownBounds(wanted: Uint32Array, parts: readonly number[]): number[] {
  const ends = parts.map((_, r) => parts.slice(0, r + 1).reduce((sum, own) => sum + own, 0));
  return [0, ...ends.map((end) => wanted.filter((sample) => sample < end).length)];
}

/**
 * The same embedder on all processes as one. All of them ask it for the same samples, by ascending numbers, and get the features of all:
 * those that one process would have computed, where all have the same kernels.
 *
 * @param ranks undefined: the embedder is alone, and as it was
 */
export function sharedEmbedder(embedder: SetEmbedder, ranks: Communicator | undefined): SetEmbedder {
  if (!ranks) return embedder;
  const { dimensions } = embedder;
  return {
    dimensions,
    embed(set, indices, onProgress) {
      const wanted = indices ?? Uint32Array.from({ length: set.count }, (_, i) => i);
      const bounds = boundsOf(set, wanted, ranks.size);
      return rowsTogether(ranks, bounds, dimensions, (begin, end) => {
        const overall = (done: number) => onProgress?.(Math.round((done * wanted.length) / (end - begin)));
        return embedder.embed(set, wanted.subarray(begin, end), overall);
      });
    },
    destroy: () => embedder.destroy(),
  };
}

const boundsOf = ({ parts }: SampleSet, wanted: Uint32Array, size: number): number[] =>
  parts ? ownBounds(wanted, parts) : evenBounds(wanted.length, size);
