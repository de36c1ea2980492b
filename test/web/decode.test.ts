/** Photos that Chromium decodes are those that the command line decodes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { decodePhoto } from '../../src/data/decode.ts';
import { scratchFolder } from '../cli/run.ts';
import type * as decode from './decode.ts';
import { inChromium, missing } from './in_chromium.ts';

const chromium = inChromium({ decode: 'test/web/decode.ts' });
const folder = scratchFolder();
const size = 32;

/** A gradient with a dark corner, so that turning and mirroring show. */
function gradient(width: number, height: number, channels: 3 | 4) {
  const data = Uint8Array.from({ length: width * height * channels }, (_, at) => {
    const [c, x, y] = [at % channels, Math.floor(at / channels) % width, Math.floor(at / (channels * width))];
    if (c === 3) return x < width / 2 ? 255 : 0;
    return x < width / 3 && y < height / 3 ? 20 : [(255 * x) / width, (255 * y) / height, 128][c];
  });
  return sharp(data, { raw: { width, height, channels } });
}

const files = {
  'wide.png': () => gradient(200, 90, 3).png(),
  'tall and large.jpg': () => gradient(700, 1100, 3).jpeg({ quality: 95 }),
  'turned.jpg': () => gradient(160, 100, 3).jpeg({ quality: 95 }).withMetadata({ orientation: 6 }),
  'half transparent.png': () => gradient(100, 100, 4).png(),
  'exact.png': () => gradient(size, size, 3).png(),
};

it.skipIf(missing !== '')(
  `as libvips does: size, centre, orientation, transparency${missing}`,
  async () => {
    const page = await chromium.open('decode');
    const inBrowser = (base64: string) =>
      page.evaluate(
        ([text, side]) => (globalThis as unknown as { program: typeof decode }).program.decoded(text, side),
        [base64, size] as const,
      );
    for (const [name, made] of Object.entries(files)) {
      const path = join(folder, name);
      const bytes = await made().toBuffer();
      writeFileSync(path, bytes);
      const here = await decodePhoto(path, size);
      const there = await inBrowser(bytes.toString('base64'));
      expect(there, name).toHaveLength(here.length);
      const differences = Array.from(here, (value, i) => Math.abs(value - Number(there[i])));
      const mean = differences.reduce((sum, value) => sum + value, 0) / differences.length;
      expect(mean, name).toBeLessThan(name === 'exact.png' ? 1e-9 : 2);
    }
    expect(await inBrowser(Buffer.from('not a picture').toString('base64'))).toMatch(/no picture that this browser/);
    expect(await inBrowser('')).toBe('the file is empty');
  },
  300_000,
);
