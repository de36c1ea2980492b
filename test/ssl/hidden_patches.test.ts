/** Patches that are hidden from a student: how many, of which view, and that they are drawn from counters. */
import { describe, expect, it } from 'vitest';
import { trace } from '../../src/graph/trace.ts';
import { StepFeeds } from '../../src/ssl/feeds.ts';
import { hiddenPatches } from '../../src/ssl/hidden_patches.ts';
import { patchSamplings } from '../../src/ssl/patch_masks.ts';

const [images, grid] = [6, 4];
const patches = grid * grid;
const indices = Uint32Array.of(3, 16, 0, 7, 8, 12);

type Given = Partial<Parameters<typeof hiddenPatches>[1]>;
/** What is fed in a step: the mask, and the hidden patches as rows. */
function fed(given: Given = {}, time: { epoch?: number; indices?: Uint32Array } = {}) {
  const feeds = new StepFeeds(images);
  const options = { images, grid, ratio: 0.3, sampling: 'random', ...given } as const;
  const { mask } = trace(() => hiddenPatches(feeds, options)).result;
  const steps = { seed: 1, step: 1, epoch: 0, steps: 8, perEpoch: 4, first: 0, indices };
  const { hidden, 'hidden patches': rows } = feeds.values({ ...steps, ...time });
  return { mask, hidden: Array.from(hidden), rows: Array.from(rows) };
}

describe.each(patchSamplings)('%s', (sampling) => {
  it.each([
    [0.3, 5],
    [0.6, 10],
    [0.99, 15],
    [0.001, 1],
  ])('of a share of %d each image has %i hidden patches, and as many rows', (ratio, count) => {
    const { mask, rows, hidden } = fed({ ratio, sampling });
    expect(mask.shape).toEqual([images, patches, 1]);
    expect(rows).toHaveLength(images * count);
    expect(hidden.flatMap((value, row) => (value === 1 ? [row] : []))).toEqual([...rows].sort((a, b) => a - b));
    for (let i = 0; i < images; i++)
      expect(rows.slice(i * count, (i + 1) * count).every((row) => Math.floor(row / patches) === i)).toBe(true);
  });
});

it('of two views one has hidden patches, now the first, now the second', () => {
  const { mask, hidden } = fed({ views: 2 });
  expect(mask.shape).toEqual([2 * images, patches, 1]);
  const of = (view: number, image: number) =>
    hidden.slice((view * images + image) * patches, (view * images + image + 1) * patches);
  const seen = Array.from({ length: images }, (_, image) => {
    const counts = [0, 1].map((view) => of(view, image).filter(Boolean).length);
    expect(counts.toSorted()).toEqual([0, 5]);
    return counts.indexOf(5);
  });
  expect(new Set(seen).size).toBe(2);
});

it('depend on the image and the epoch, not on the place in a batch', () => {
  const [first, other, later] = [
    fed(),
    fed({}, { indices: Uint32Array.of(16, 3, 0, 7, 8, 12) }),
    fed({}, { epoch: 1 }),
  ].map(({ hidden }) => hidden);
  const image = (values: number[], i: number) => values.slice(i * patches, (i + 1) * patches);
  expect(image(other, 0)).toEqual(image(first, 1));
  expect(image(other, 1)).toEqual(image(first, 0));
  expect(image(other, 2)).toEqual(image(first, 2));
  expect(later).not.toEqual(first);
});
