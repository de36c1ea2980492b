/** Images of folders of several processes as one set, and the epochs that are made of them. */
import { expect, it } from 'vitest';
import type { Dataset } from '../../src/data/dataset.ts';
import { type ImageSet, readable } from '../../src/data/images.ts';
import { inventoryDigest } from '../../src/data/inventory.ts';
import { epochOrder, epochSamples, epochSteps } from '../../src/data/order.ts';
import { unite } from '../../src/data/united.ts';
import { localRanks, onAll } from '../mpi/local_ranks.ts';

/** Images of one pixel, whose red is `first` and more. */
function pixels(count: number, first: number, labelled: Partial<ImageSet> = {}): ImageSet {
  const set: ImageSet = {
    ...{ name: `from ${first}`, count, height: 1, width: 1, skipped: [], ...labelled },
    read: (i, target, offset) => target.set([first + i, 0, 0], offset),
  };
  return set;
}

const datasetOf = (train: ImageSet, probe?: Dataset['probe'], kind: Dataset['kind'] = 'photos'): Dataset => ({
  ...{ kind, train, probe, description: 'own', measured: '', leftOut: [], unusedExcludes: [], close: () => {} },
  files: [{ file: `${train.name}.png`, bytes: train.count }],
});

const uniteAll = (datasets: readonly Dataset[]) =>
  onAll(localRanks(datasets.length), (ranks) => unite(datasets[ranks.rank], ranks, 'part-{rank}'));

it('count, labels and files are those of all parts, on all processes; pixels each has of its own', async () => {
  const cats = pixels(3, 10, { labels: Uint8Array.of(0, 1, 1), classNames: ['ant', 'cat'] });
  const dogs = pixels(2, 50, { labels: Uint8Array.of(1, 0), classNames: ['bee', 'cat'] });
  const all = await uniteAll([datasetOf(cats), datasetOf(dogs)]);
  for (const { train, files, probe } of all) {
    expect(train).toMatchObject({ name: 'part-{rank}', count: 5, parts: [3, 2], classNames: ['ant', 'bee', 'cat'] });
    expect([...train.labels!]).toEqual([0, 2, 2, 2, 1]);
    expect(probe).toBeUndefined();
    expect(files.map(({ file }) => file)).toEqual(['0/from 10.png', '1/from 50.png']);
  }
  expect(inventoryDigest(all[0].files)).toBe(inventoryDigest(all[1].files));
  const [{ train: first }, { train: second }] = all;
  const read = (set: ImageSet, i: number) => {
    const target = new Uint8Array(3);
    set.read(i, target, 0);
    return target[0];
  };
  expect([read(first, 2), read(second, 3), read(second, 4)]).toEqual([12, 50, 51]);
  expect(() => read(first, 3)).toThrow(/image 3 is in the folder of another process/);
  expect(() => read(second, 2)).toThrow(/image 2 is in the folder of another process/);
  expect([readable(first), readable(cats)]).toEqual([cats, cats]);
});

it('there is a probe where all have one, and labels where all have some', async () => {
  const labelled = (first: number) => pixels(2, first, { labels: Uint8Array.of(0, 1), classNames: ['a', 'b'] });
  const probe = (first: number) => ({ train: labelled(first), test: labelled(first + 2) });
  const [both] = await uniteAll([datasetOf(labelled(0), probe(4)), datasetOf(labelled(10), probe(14))]);
  expect([...both.probe!.test.labels!]).toEqual([0, 1, 0, 1]);
  expect(both.probe!.train.parts).toEqual([2, 2]);
  const [one] = await uniteAll([datasetOf(labelled(0), probe(4)), datasetOf(pixels(2, 10))]);
  expect([one.probe, one.train.labels, one.train.classNames]).toEqual([undefined, undefined, undefined]);
  expect(one.description).toContain('4 images of 2 processes, 2 + 2; no probe');
});

it('folders of two kinds are refused on all processes', async () => {
  const mixed = [datasetOf(pixels(2, 0)), datasetOf(pixels(2, 5), undefined, 'stl10')];
  await expect(uniteAll(mixed)).rejects.toThrow(/^part-\{rank\}: some processes have folders of photos/);
});

it('every part gives as much of each batch, in the order that it has by itself', () => {
  const samples = { count: 17, parts: [7, 10] };
  expect(epochSteps(samples, 4)).toBe(3); // ⌊7 / 2⌋
  const order = epochSamples(samples, 5, 1, 4);
  expect(order).toHaveLength(12);
  const [first, second] = [epochOrder(7, 5, 1), epochOrder(10, 5, 1).map((i) => i + 7)];
  expect([...order]).toEqual([0, 2, 4].flatMap((at) => [...first.slice(at, at + 2), ...second.slice(at, at + 2)]));
  expect([...epochSamples({ count: 9 }, 5, 1, 4)]).toEqual([...epochOrder(9, 5, 1)]);
  expect(epochSteps({ count: 9 }, 4)).toBe(2);
});
