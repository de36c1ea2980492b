import { expect, it } from 'vitest';
import { describeDuplicates, findDuplicates } from '../../src/data/duplicates.ts';
import { type ImageSet, PixelStore, storedSet } from '../../src/data/images.ts';

/** Images of 5×3 pixels, 45 bytes, which is no whole number of words; image i is filled from `contents[i]`. */
function setOf(contents: readonly number[], files?: readonly string[]): ImageSet {
  const store = new PixelStore(contents.length, 45);
  contents.forEach((value, i) => {
    const slot = store.slot(i);
    for (let byte = 0; byte < 45; byte++) slot[byte] = (value * (byte + 1)) % 251;
  });
  return storedSet({ name: 'set', count: contents.length, height: 3, width: 5, skipped: [], files }, store);
}

it('counts copies and names the first few with what they are copies of', () => {
  const set = setOf([3, 7, 3, 8, 7, 3, 3]);
  const found = findDuplicates(set);
  expect(found).toEqual({
    copies: 4,
    distinct: 3,
    examples: [
      { image: 2, original: 0 },
      { image: 4, original: 1 },
      { image: 5, original: 0 },
    ],
  });
  expect(describeDuplicates(set, found)).toBe(
    '4 of 7 images are copies of another (image 2 = image 0, image 4 = image 1, image 5 = image 0, …)',
  );
});

it('calls photos by their files, one copy in the singular, and finds none among different images', () => {
  const set = setOf([1, 2, 1], ['a.png', 'b.png', 'c/a.png']);
  expect(describeDuplicates(set, findDuplicates(set))).toBe('1 of 3 images is a copy of another (c/a.png = a.png)');
  expect(findDuplicates(setOf(Array.from({ length: 250 }, (_, i) => i)))).toMatchObject({ copies: 0, distinct: 250 });
});

it('a difference in the last byte alone is a difference', () => {
  const set = setOf([5, 5]);
  const other: ImageSet = {
    ...set,
    read(i, target, offset) {
      set.read(i, target, offset);
      if (i === 1) target[offset + 44] ^= 1;
    },
  };
  expect(findDuplicates(set).copies).toBe(1);
  expect(findDuplicates(other).copies).toBe(0);
});
