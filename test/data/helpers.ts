import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import sharp from 'sharp';
import { afterAll } from 'vitest';
import { type ImageSet, imageBytes } from '../../src/data/images.ts';

/** Real photographs that lie beside the checkout on the developers' machines. */
export const PHOTOS = resolve(import.meta.dirname, '../../../shared/data');
export const hasPhotos = existsSync(PHOTOS);
/** Appended to the title of a suite, so that a skip says why. */
export const needsPhotos = hasPhotos ? '' : ` (skipped: no photographs at ${PHOTOS})`;

/** A folder that is removed when the test file is done. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'simclr-data-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes files given by relative path. */
export function writeTree(root: string, files: Record<string, string | Uint8Array>): string {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

export function imageOf(set: ImageSet, i: number): Uint8Array {
  const pixels = new Uint8Array(imageBytes(set));
  set.read(i, pixels, 0);
  return pixels;
}

/** Equality of bytes; `toEqual` takes a second for a picture. */
export const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** A picture of one colour, or with a colour for each pixel. */
export function picture(width: number, height: number, colour: (x: number, y: number) => readonly number[]) {
  const channels = colour(0, 0).length as 1 | 2 | 3 | 4;
  const pixels = new Uint8Array(width * height * channels);
  for (let i = 0; i < width * height; i++) pixels.set(colour(i % width, Math.floor(i / width)), i * channels);
  return sharp(pixels, { raw: { width, height, channels } });
}

/** An image set from a function of image, row, column and channel. */
export function madeSet(
  fields: Pick<ImageSet, 'count'> & Partial<ImageSet>,
  value: (i: number, y: number, x: number, c: number) => number,
): ImageSet {
  const set: ImageSet = {
    name: 'made',
    height: 96,
    width: 96,
    skipped: [],
    ...fields,
    read(i, target, offset) {
      for (let at = 0; at < set.height * set.width * 3; at++) {
        const pixel = Math.floor(at / 3);
        target[offset + at] = value(i, Math.floor(pixel / set.width), pixel % set.width, at % 3);
      }
    },
  };
  return set;
}
