import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { pairGrid } from '../../src/report/sheets.ts';

/** Images of one grey each: 10, 11, 12, … */
const greys = (count: number, size: number) =>
  Array.from({ length: count }, (_, i) => new Uint8Array(size * size * 3).fill(10 + i));

function decode(file: Buffer) {
  const png = PNG.sync.read(file);
  const at = (x: number, y: number) => png.data[(y * png.width + x) * 4];
  return { width: png.width, height: png.height, at };
}

describe('pairGrid', () => {
  it('puts the two views of a sample below each other', () => {
    const picture = decode(pairGrid(greys(16, 96)));
    expect([picture.width, picture.height]).toEqual([4 + 8 * 100, 4 + 2 * 100]);
    for (let sample = 0; sample < 8; sample++) {
      expect(picture.at(52 + sample * 100, 52)).toBe(10 + sample);
      expect(picture.at(52 + sample * 100, 152)).toBe(18 + sample);
    }
  });

  it('has gaps between pictures, and enlarges small ones by a whole factor', () => {
    const image = Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => Math.floor(i / 3) % 32);
    const picture = decode(pairGrid([image, image]));
    expect([picture.width, picture.height]).toEqual([4 + 96 + 4, 4 + 2 * 100]);
    for (let x = 0; x < 96; x++) expect(picture.at(4 + x, 50)).toBe(Math.floor(x / 3));
    expect([picture.at(3, 50), picture.at(100, 50), picture.at(50, 102)]).toEqual([255, 255, 255]);
  });

  it('goes on in a further band when there are more pairs than columns', () => {
    const picture = decode(pairGrid(greys(6, 48), 2));
    expect([picture.width, picture.height]).toEqual([4 + 2 * 100, 4 + 4 * 100 + 8]);
    expect([picture.at(52, 52), picture.at(152, 52), picture.at(52, 260)]).toEqual([10, 11, 12]);
    expect([picture.at(52, 152), picture.at(152, 152), picture.at(52, 360)]).toEqual([13, 14, 15]);
    expect(picture.at(152, 260)).toBe(255);
  });

  it('refuses images that make no pairs or are not square', () => {
    expect(() => pairGrid(greys(3, 8))).toThrow(/needs pairs of square RGB images, got 3 of 192 bytes/);
    expect(() => pairGrid([new Uint8Array(7), new Uint8Array(7)])).toThrow(/got 2 of 7 bytes/);
    expect(() => pairGrid([])).toThrow(/got 0/);
  });
});
