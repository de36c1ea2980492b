import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { decodePhoto } from '../../src/data/decode.ts';
import { checkProportions, encodeMask, labelsOfMask, readMask } from '../../src/data/masks.ts';
import { scratchFolder } from '../cli/run.ts';

const folder = scratchFolder();

type Rgba = readonly [number, number, number, number];
/** A PNG file of these colours, row by row. */
function written(name: string, width: number, pixels: readonly Rgba[]): string {
  const picture = new PNG({ width, height: pixels.length / width });
  for (const [i, pixel] of pixels.entries()) picture.data.set(pixel, 4 * i);
  const path = join(folder, name);
  writeFileSync(path, PNG.sync.write(picture));
  return path;
}

const black: Rgba = [0, 0, 0, 255];
const one: Rgba = [1, 1, 1, 255];
const red: Rgba = [128, 0, 0, 255];
const glass: Rgba = [9, 9, 9, 0];

it('each colour is an object, small integers as any other; black and what is transparent are none', async () => {
  const mask = await readMask(written('small.png', 2, [red, glass, one, black]));
  expect(mask.colours).toEqual([0, 0x010101, 0x800000]);
  expect(Array.from(labelsOfMask(mask, 2, mask.colours))).toEqual([2, 0, 1, 0]);
  const without = await readMask(written('full.png', 2, [red, one]));
  expect(without.colours).toEqual([0, 0x010101, 0x800000]);
});

it('indexed PNG files, as those of DAVIS, have the colours of their palette', async () => {
  const rgb = Uint8Array.of(0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 0, 0);
  const path = join(folder, 'indexed.png');
  const picture = sharp(rgb, { raw: { width: 2, height: 2, channels: 3 } });
  await picture.png({ palette: true, dither: 0 }).toFile(path);
  expect(await sharp(path).metadata()).toMatchObject({ isPalette: true });
  const mask = await readMask(path);
  expect(mask.colours).toEqual([0, 0x008000, 0x800000]);
  expect(Array.from(labelsOfMask(mask, 2, mask.colours))).toEqual([0, 2, 1, 2]);
});

it('colours that the first mask does not have are no object', async () => {
  const mask = await readMask(written('later.png', 2, [red, one, one, one]));
  expect(Array.from(labelsOfMask(mask, 2, [0, 0x800000]))).toEqual([1, 0, 0, 0]);
});

it('labels are of the middle square, the nearest pixels of it', async () => {
  const row = [red, one, black, one, black, red] as const;
  const wide = await readMask(written('wide.png', 6, [...row, ...row]));
  expect(Array.from(labelsOfMask(wide, 2, wide.colours))).toEqual([0, 1, 0, 1]);
  const tall = await readMask(
    written(
      'tall.png',
      2,
      row.flatMap((pixel) => [pixel, pixel]),
    ),
  );
  expect(Array.from(labelsOfMask(tall, 2, tall.colours))).toEqual([0, 0, 1, 1]);
  const enlarged = Array.from(labelsOfMask(tall, 4, tall.colours));
  expect(enlarged).toEqual([...Array(8).fill(0), ...Array(8).fill(1)]);
});

it('what is written is read as it was', async () => {
  const [colours, labels] = [[0, 0x010203, 0xfffefd], Uint8Array.of(0, 1, 2, 1, 0, 2, 2, 2, 0)];
  const path = join(folder, 'again.png');
  writeFileSync(path, await encodeMask(labels, 3, colours));
  const mask = await readMask(path);
  expect(mask.colours).toEqual(colours);
  expect(labelsOfMask(mask, 3, colours)).toEqual(labels);
});

it('photos, files that are none and masks that are not there are refused in a line', async () => {
  const many = Array.from({ length: 16 }, (_, i): Rgba => [i + 1, 0, 0, 255]);
  await expect(readMask(written('many.png', 4, many))).rejects.toThrow(
    'many.png: has 16 colours beside black, and a mask at most 15, one for each object; give a PNG',
  );
  await expect(readMask(written('most.png', 3, many.slice(0, 15)))).resolves.toMatchObject({ width: 3 });
  const text = join(folder, 'text.png');
  writeFileSync(text, 'no picture');
  await expect(readMask(text)).rejects.toThrow(/text\.png: cannot be read as a mask \(.+\); give a PNG$/);
  await expect(readMask(join(folder, 'none.png'))).rejects.toThrow('none.png: no such file; give a mask as PNG');
});

it('a mask has the proportions of its frame, to a pixel', async () => {
  const sized = (name: string, width: number, height: number) =>
    written(name, width, Array<Rgba>(width * height).fill(red));
  const frame = sized('frame.png', 85, 48);
  const fits = async (width: number, height: number) =>
    checkProportions(await readMask(sized('mask.png', width, height)), frame);
  await expect(fits(85, 48)).resolves.toBeUndefined();
  await expect(fits(43, 24)).resolves.toBeUndefined();
  await expect(fits(170, 96)).resolves.toBeUndefined();
  await expect(fits(48, 48)).rejects.toThrow(
    `mask.png: is 48×48 and its frame ${frame} 85×48; give a mask of the frame's size, or of its proportions`,
  );
  await expect(fits(48, 85)).rejects.toThrow('of its proportions');
});

it.each([
  [50, 16],
  [51, 16],
  [16, 47],
  [96, 48],
  [100, 48],
])('of a frame of %i×%i the mask is cut as the frame is', async (width, height) => {
  const at = (i: number) => [i % width, Math.floor(i / width)];
  const isObject = (i: number) => at(i).every((x, axis) => Math.abs(x - [width, height][axis] / 2) < 5 + 2 * axis);
  const white: Rgba = [255, 255, 255, 255];
  const path = written(
    'cut.png',
    width,
    Array.from({ length: width * height }, (_, i) => (isObject(i) ? white : black)),
  );
  const [frame, mask] = [await decodePhoto(path, 16), await readMask(path)];
  const labels = labelsOfMask(mask, 16, mask.colours);
  expect(Array.from(labels)).toEqual(Array.from(labels, (_, i) => Number(frame[3 * i] > 127)));
  expect(labels).toContain(1);
});
