/** Images that are there twice: each copy would count as a negative of its original. */
import type { ImageSet } from './images.ts';
import { imageWords } from './source.ts';

/** How many images of a set are there more than once, by `findDuplicates`. */
export interface Duplicates {
  /** Images that are the same, byte for byte, as an earlier one. */
  readonly copies: number;
  /** Images that are left when each is counted once. */
  readonly distinct: number;
  /** The first few copies: an image, and the earlier one that it is a copy of. */
  readonly examples: readonly { readonly image: number; readonly original: number }[];
}

/** Copies that are named. */
const fewExamples = 3;

/**
 * Finds the images of a set whose pixels are those of an earlier one. Each image is read once and hashed; those with one hash are
 * compared byte for byte.
 */
export function findDuplicates(set: ImageSet): Duplicates {
  const [words, other] = [new Uint32Array(imageWords(set)), new Uint32Array(imageWords(set))];
  const read = (i: number, into: Uint32Array): Uint32Array => {
    set.read(i, new Uint8Array(into.buffer), 0);
    return into;
  };
  const seen = new Map<number, number[]>();
  const examples: { image: number; original: number }[] = [];
  let copies = 0;
  for (let image = 0; image < set.count; image++) {
    const hash = hashOf(read(image, words));
    const alike = seen.get(hash);
    const original = alike?.find((earlier) => isEqual(words, read(earlier, other)));
    if (original !== undefined) {
      copies++;
      if (examples.length < fewExamples) examples.push({ image, original });
    } else if (alike) alike.push(image);
    else seen.set(hash, [image]);
  }
  return { copies, distinct: set.count - copies, examples };
}

/** 53 bits of two multiplicative hashes (FNV-1a over words, and a variant with another prime). */
function hashOf(words: Uint32Array): number {
  let low = 0x811c9dc5;
  let high = 0x9e3779b9;
  for (let i = 0; i < words.length; i++) {
    low = Math.imul(low ^ words[i], 0x01000193);
    high = Math.imul(high ^ words[i], 0x85ebca6b);
    high ^= high >>> 15;
  }
  return (high >>> 11) * 2 ** 32 + (low >>> 0);
}

const isEqual = (a: Uint32Array, b: Uint32Array): boolean => a.every((word, i) => word === b[i]);

/** One line: how many copies there are, and of what. */
export function describeDuplicates(
  { files, count }: Pick<ImageSet, 'files' | 'count'>,
  { copies, examples }: Duplicates,
): string {
  const nameOf = (image: number): string => (files ? files[image] : `image ${image}`);
  const pairs = examples.map(({ image, original }) => `${nameOf(image)} = ${nameOf(original)}`);
  const more = copies > examples.length ? ', …' : '';
  return `${copies} of ${count} images ${copies === 1 ? 'is a copy' : 'are copies'} of another (${pairs.join(', ')}${more})`;
}
