/** Pictures shrunk for the browser are those that libvips makes for the command line. */
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { resizeSquare } from '../../src/web/resize.ts';
import { lowbias32 } from '../values.ts';

/** Waves and noise, RGBA. */
function picture(side: number): Uint8ClampedArray {
  return Uint8ClampedArray.from({ length: side * side * 4 }, (_, at) => {
    const [c, x, y] = [at % 4, Math.floor(at / 4) % side, Math.floor(at / (4 * side))];
    if (c === 3) return 255;
    return 128 + 70 * Math.sin((x * (c + 1)) / 9 + y / 13) + (lowbias32(at) / 2 ** 32) * 50;
  });
}

const rgbOf = (rgba: Uint8ClampedArray): Uint8Array => Uint8Array.from(rgba).filter((_, i) => i % 4 !== 3);

it.each([
  [61, 32],
  [127, 32],
  [96, 64],
])('%i pixels to %i differ from libvips by two at most', async (from, to) => {
  const rgba = picture(from);
  const ours = resizeSquare(rgba, from, to);
  const theirs = await sharp(rgbOf(rgba), { raw: { width: from, height: from, channels: 3 } })
    .resize(to, to, { fit: 'fill', kernel: 'lanczos3', fastShrinkOnLoad: false })
    .raw()
    .toBuffer();
  const differences = Array.from(ours, (value, i) => Math.abs(value - theirs[i]));
  expect(ours).toHaveLength(to * to * 3);
  expect(Math.max(...differences)).toBeLessThanOrEqual(2);
});

it('a slope that is enlarged stays one', () => {
  const slope = Uint8ClampedArray.from({ length: 20 * 20 * 4 }, (_, at) => 12 * (Math.floor(at / 4) % 20));
  const larger = resizeSquare(slope, 20, 40);
  for (let x = 4; x < 36; x++) expect(larger[(10 * 40 + x) * 3]).toBe(Math.round(12 * ((x + 0.5) / 2 - 0.5)));
});

it('one colour stays, and so does a picture of the same size', () => {
  const grey = new Uint8ClampedArray(4 * 50 * 50).fill(77);
  expect(new Set(resizeSquare(grey, 50, 16))).toEqual(new Set([77]));
  const rgba = picture(20);
  expect(resizeSquare(rgba, 20, 20)).toEqual(rgbOf(rgba));
});
