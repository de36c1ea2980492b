/** Features that several processes compute together. */
import { expect, it } from 'vitest';
import type { SampleSet } from '../../src/data/samples.ts';
import { checkSameEvaluation } from '../../src/train/same_images.ts';
import { evenBounds, sharedEmbedder } from '../../src/train/shared_embedder.ts';
import { localRanks, onAll } from '../mpi/local_ranks.ts';

/** Three numbers of each sample; notes which were asked for. */
const embedderOf = (asked: number[]) => ({
  dimensions: 3,
  async embed(_: SampleSet, indices: Uint32Array = Uint32Array.of(), onProgress?: (done: number) => void) {
    asked.push(...indices);
    onProgress?.(indices.length);
    return Float32Array.from([...indices].flatMap((i) => [i, i + 0.5, -i]));
  },
  destroy: () => {},
});

const setOf = (count: number, parts?: readonly number[]): SampleSet => ({ name: 'set', count, skipped: [], parts });

const rowsOf = (wanted: readonly number[]) => Float32Array.from(wanted.flatMap((i) => [i, i + 0.5, -i]));

it.each([
  {
    count: 7,
    size: 3,
    wanted: undefined,
    shares: [
      [0, 1],
      [2, 3],
      [4, 5, 6],
    ],
  },
  { count: 9, size: 2, wanted: [1, 4, 8], shares: [[1], [4, 8]] },
  { count: 2, size: 3, wanted: undefined, shares: [[], [0], [1]] },
])('$count samples of $size processes, of which $wanted are wanted', async ({ count, size, wanted, shares }) => {
  const all = wanted ?? Array.from({ length: count }, (_, i) => i);
  const found = await onAll(localRanks(size), async (ranks) => {
    const asked: number[] = [];
    const done: number[] = [];
    const shared = sharedEmbedder(embedderOf(asked), ranks);
    const indices = wanted && Uint32Array.from(wanted);
    expect(await shared.embed(setOf(count), indices, (n) => done.push(n))).toEqual(rowsOf(all));
    expect(done).toEqual(asked.length > 0 ? [all.length] : []);
    return asked;
  });
  expect(found).toEqual(shares);
});

it('of a set with parts each process computes those of its own', async () => {
  const found = await onAll(localRanks(3), async (ranks) => {
    const asked: number[] = [];
    const wanted = Uint32Array.of(0, 3, 4, 6, 8);
    const rows = await sharedEmbedder(embedderOf(asked), ranks).embed(setOf(9, [4, 1, 4]), wanted);
    expect(rows).toEqual(rowsOf([...wanted]));
    return asked;
  });
  expect(found).toEqual([[0, 3], [4], [6, 8]]);
});

it('parts differ by one at most, and one process is as it was', () => {
  expect(evenBounds(10, 4)).toEqual([0, 2, 5, 7, 10]);
  const embedder = embedderOf([]);
  expect(sharedEmbedder(embedder, undefined)).toBe(embedder);
});

it('processes with another encoder or other data are told from the first', async () => {
  const check = (digests: readonly string[], sizes: readonly number[]) =>
    onAll(localRanks(3), ({ rank, ...ranks }) =>
      checkSameEvaluation({ rank, ...ranks }, { path: 'encoder', digest: digests[rank] }, 'data', {
        files: [{ file: 'a.png', bytes: sizes[rank] }],
      }),
    );
  await check(['a', 'a', 'a'], [1, 1, 1]);
  await expect(check(['a', 'a', 'b'], [1, 1, 1])).rejects.toThrow(/^encoder: is not the same for rank 2 as for rank 0/);
  await expect(check(['a', 'a', 'a'], [1, 2, 1])).rejects.toThrow(/^data: is not the same for rank 1 as for rank 0/);
});
