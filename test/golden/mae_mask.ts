import { expect } from 'vitest';
import { keptOf, maskByKeys } from '../../src/ssl/patch_masks.ts';
import type { GoldenCheck } from './harness.ts';

const check: GoldenCheck = async (file) => {
  const [noise, shuffle, restore, keep, mask] = ['noise', 'ids_shuffle', 'ids_restore', 'ids_keep', 'mask'].map(
    (name) => file.get(name),
  );
  const [n, patches] = noise.shape;
  const kept = keptOf(patches, file.number('mask_ratio'));
  expect(kept).toBe(file.number('kept'));
  const row = ({ data }: { data: Float32Array }, i: number, columns = patches) => [
    ...data.slice(i * columns, (i + 1) * columns),
  ];
  for (let i = 0; i < n; i++) {
    const found = maskByKeys(row(noise, i), kept);
    expect([...found.kept]).toEqual(row(keep, i, kept));
    expect([...found.ranks]).toEqual(row(restore, i));
    expect(row(shuffle, i).map((patch) => found.ranks[patch])).toEqual([...found.ranks.keys()]);
    expect(Array.from(found.ranks, (rank) => Number(rank >= kept))).toEqual(row(mask, i));
  }
  return undefined;
};

export default check;
