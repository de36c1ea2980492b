import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { beforeEach, describe, expect, it } from 'vitest';
import { loadPhotos } from '../../src/data/folder.ts';
import type { Progress } from '../../src/data/images.ts';
import { labelsOf, scanPhotos } from '../../src/data/scan.ts';
import { hasPhotos, imageOf, isSame, needsPhotos, PHOTOS, picture, temporaryFolder, writeTree } from './helpers.ts';

const root = temporaryFolder();
let folder: string;
let serial = 0;
beforeEach(() => {
  folder = join(root, String(serial++));
  mkdirSync(folder);
});

const plain = (r: number, g: number, b: number, width = 8, height = 8) => picture(width, height, () => [r, g, b]);
const png = (r: number, g: number, b: number) => plain(r, g, b).png().toBuffer();
/** Colour of the pixel in the middle. */
const centre = (pixels: Uint8Array, size = 8) => [
  ...pixels.subarray(((size / 2) * size + size / 2) * 3).subarray(0, 3),
];

describe('which files', () => {
  it('takes photos at any depth in byte order, whatever their case, and leaves the rest', async () => {
    const photo = await png(1, 2, 3);
    const names = ['b.PNG', 'a/z.png', 'a/ä.png', 'B.png', 'a/b/c/deep.png', 'a-b.png', '\u{1f600}.png', '\uff5e.png'];
    writeTree(folder, Object.fromEntries(names.map((name) => [name, photo])));
    writeTree(folder, { 'notes.txt': 'x', '.hidden.png': photo, '.git/x.png': photo, '__MACOSX/._b.png': photo });
    const set = await loadPhotos(folder, { size: 8 });
    // UTF-8 puts U+FF5E before U+1F600; UTF-16, JavaScript's own order, the other way round.
    const sorted = ['B.png', 'a-b.png', 'a/b/c/deep.png', 'a/z.png', 'a/ä.png', 'b.PNG', '\uff5e.png', '\u{1f600}.png'];
    expect(set.files).toEqual(sorted);
    expect(set.skipped).toEqual([]);
    expect(set.labels).toBeUndefined();
  });

  it('follows links once: loops end, nothing counts twice, real names win', async () => {
    const photo = await png(1, 2, 3);
    writeTree(folder, { 'real/a.png': photo, 'real/sub/b.png': photo });
    symlinkSync('real', join(folder, 'also'));
    symlinkSync('..', join(folder, 'real', 'up'));
    symlinkSync('.', join(folder, 'self'));
    symlinkSync(join(folder, 'real', 'a.png'), join(folder, 'linked.png'));
    symlinkSync('nowhere.png', join(folder, 'broken.png'));
    const outside = writeTree(`${folder}-outside`, { 'c.png': photo });
    symlinkSync(outside, join(folder, 'far'));
    const { files } = await scanPhotos(folder);
    expect(files).toEqual(['broken.png', 'far/c.png', 'linked.png', 'real/a.png', 'real/sub/b.png']);
    const set = await loadPhotos(folder, { size: 8 });
    expect(set.skipped.map(({ file }) => file)).toEqual(['broken.png']);
  });

  it('names the folder and the extensions when there is nothing to load', async () => {
    const looked = 'no photos here or in its subfolders (looked for .jpg .jpeg .png .webp .gif .tif .tiff .avif)';
    await expect(loadPhotos(folder, { size: 8 })).rejects.toThrow(`${folder}: ${looked}`);
    writeTree(folder, { 'a.heic': 'x' });
    await expect(loadPhotos(folder, { size: 8 })).rejects.toThrow('a.heic: .heic files are not supported: convert');
    await expect(loadPhotos(`${folder}/none`, { size: 8 })).rejects.toThrow(`${folder}/none: no such folder`);
    await expect(loadPhotos(`${folder}/a.heic`, { size: 8 })).rejects.toThrow('a file, not a folder');
    await expect(loadPhotos(folder, { size: 0 })).rejects.toThrow('image size 0');
  });
});

describe('pixels', () => {
  it('keeps every byte of a picture that has the size', async () => {
    const noise = picture(9, 9, (x, y) => [(x * 37 + y * 91) & 255, (x * y * 13) & 255, (x * 251) & 255]);
    writeTree(folder, { 'a.png': await noise.clone().png().toBuffer() });
    const set = await loadPhotos(folder, { size: 9 });
    expect(isSame(imageOf(set, 0), await noise.raw().toBuffer())).toBe(true);
  });

  it('resizes the shorter side and keeps the centre of the longer', async () => {
    // Wide: red, green in the middle third, blue; the middle 32 columns are left.
    const wide = picture(96, 32, (x) => (x < 32 ? [255, 0, 0] : x < 64 ? [0, 255, 0] : [0, 0, 255]));
    const tall = picture(32, 96, (_, y) => (y < 32 ? [255, 0, 0] : y < 64 ? [0, 255, 0] : [0, 0, 255]));
    writeTree(folder, { 'a.png': await wide.png().toBuffer(), 'b.png': await tall.png().toBuffer() });
    const same = await loadPhotos(folder, { size: 32 });
    const green = new Uint8Array(32 * 32 * 3).map((_, i) => (i % 3 === 1 ? 255 : 0));
    expect(isSame(imageOf(same, 0), green) && isSame(imageOf(same, 1), green)).toBe(true);
    const smaller = await loadPhotos(folder, { size: 8 });
    expect(centre(imageOf(smaller, 0))).toEqual([0, 255, 0]);
    const larger = await loadPhotos(folder, { size: 64 });
    expect(centre(imageOf(larger, 1), 64)).toEqual([0, 255, 0]);
  });

  it('shrinks without aliasing: one-pixel stripes become grey', async () => {
    writeTree(folder, {
      'a.png': await picture(256, 256, (x) => (x % 2 ? [255, 255, 255] : [0, 0, 0]))
        .png()
        .toBuffer(),
    });
    const pixels = imageOf(await loadPhotos(folder, { size: 32 }), 0);
    expect(Math.min(...pixels)).toBeGreaterThan(120);
    expect(Math.max(...pixels)).toBeLessThan(136);
  });

  it('turns as EXIF says', async () => {
    const upright = picture(16, 16, (x, y) => (y < 8 && x < 8 ? [255, 255, 255] : [0, 0, 0]));
    writeTree(folder, { 'a.jpg': await upright.withMetadata({ orientation: 6 }).jpeg({ quality: 100 }).toBuffer() });
    const pixels = imageOf(await loadPhotos(folder, { size: 16 }), 0);
    const at = (x: number, y: number) => pixels[(y * 16 + x) * 3];
    // Orientation 6: the stored top left belongs to the top right.
    expect(at(13, 2)).toBeGreaterThan(240);
    expect(at(2, 2)).toBeLessThan(15);
  });

  it.each<[string, () => Promise<Buffer>, number[], number]>([
    [
      'greyscale',
      () =>
        picture(8, 8, () => [77])
          .toColourspace('b-w')
          .png()
          .toBuffer(),
      [77, 77, 77],
      0,
    ],
    ['16-bit', () => plain(200, 100, 50).toColourspace('rgb16').png().toBuffer(), [200, 100, 50], 1],
    ['palette', () => plain(200, 100, 50).png({ palette: true }).toBuffer(), [200, 100, 50], 2],
    [
      'opaque alpha',
      () =>
        picture(8, 8, () => [200, 100, 50, 255])
          .png()
          .toBuffer(),
      [200, 100, 50],
      0,
    ],
    [
      'half alpha, over black',
      () =>
        picture(8, 8, () => [200, 100, 50, 128])
          .png()
          .toBuffer(),
      [100, 50, 25],
      1,
    ],
    [
      'no alpha left',
      () =>
        picture(8, 8, () => [200, 100, 50, 0])
          .png()
          .toBuffer(),
      [0, 0, 0],
      0,
    ],
    [
      'grey with alpha',
      () =>
        picture(8, 8, () => [200, 128])
          .png()
          .toBuffer(),
      [100, 100, 100],
      1,
    ],
    ['CMYK', () => plain(255, 255, 255).toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer(), [255, 255, 255], 6],
    ['webp', () => plain(200, 100, 50).webp({ lossless: true }).toBuffer(), [200, 100, 50], 0],
    ['gif', () => plain(200, 100, 50).gif().toBuffer(), [200, 100, 50], 4],
    ['tiff', () => plain(200, 100, 50).tiff({ compression: 'lzw' }).toBuffer(), [200, 100, 50], 0],
  ])('%s', async (_, make, colour, tolerance) => {
    writeTree(folder, { 'a.png': await make() }); // the content decides, not the extension
    const set = await loadPhotos(folder, { size: 8 });
    const found = centre(imageOf(set, 0));
    expect(found.length).toBe(3);
    found.forEach((channel, c) => {
      expect(Math.abs(channel - colour[c])).toBeLessThanOrEqual(tolerance);
    });
  });
});

describe('files that cannot be decoded', () => {
  it('are listed with the reason, and the rest loads in order', async () => {
    const photo = await picture(64, 64, (x, y) => [(x * y) & 255, x * 3, y * 3])
      .jpeg()
      .toBuffer();
    const corrupt = Buffer.from(photo);
    for (let i = 640; i < corrupt.length - 20; i += 11) corrupt[i] ^= 0x5a;
    const pngBytes = await png(9, 8, 7);
    writeTree(folder, {
      '0.png': await png(10, 20, 30),
      '1-truncated.jpg': photo.subarray(0, photo.length * 0.7),
      '2-text.jpg': 'this is no picture',
      '3-empty.png': '',
      '4-corrupt.jpg': corrupt,
      '5.png': await png(50, 60, 70),
      '6-truncated.png': pngBytes.subarray(0, pngBytes.length - 30),
      '7.bmp': 'BM',
    });
    mkdirSync(join(folder, '8.png'));
    const seen: Progress[] = [];
    const set = await loadPhotos(folder, { size: 8, onProgress: (progress) => seen.push(progress) });
    expect(set.files).toEqual(['0.png', '5.png']);
    expect(centre(imageOf(set, 1))).toEqual([50, 60, 70]);
    const reasons = Object.fromEntries(set.skipped.map(({ file, reason }) => [file, reason]));
    expect(Object.keys(reasons).sort()).toEqual([
      '1-truncated.jpg',
      '2-text.jpg',
      '3-empty.png',
      '4-corrupt.jpg',
      '6-truncated.png',
      '7.bmp',
    ]);
    expect(reasons['1-truncated.jpg']).toMatch(/premature end/);
    expect(reasons['2-text.jpg']).toBe('unsupported image format');
    expect(reasons['3-empty.png']).toBe('the file is empty');
    expect(reasons['4-corrupt.jpg']).toMatch(/orrupt/);
    expect(Object.values(reasons).every((reason) => reason.length <= 120 && !reason.includes('\n'))).toBe(true);
    expect(seen.length).toBe(7);
    expect(seen.at(-1)).toEqual({ phase: 'decode', done: 7, total: 7 });
  });

  it('do not include odd JPEGs that are whole', async () => {
    const photo = await plain(90, 90, 90, 16, 16).jpeg().toBuffer();
    const behindHeader = 4 + photo.readUInt16BE(4); // SOI, APP0
    const odd = Buffer.concat([photo.subarray(0, behindHeader), Buffer.from([1, 2, 3]), photo.subarray(behindHeader)]);
    const strict = await sharp(odd, { failOn: 'warning' }).raw().toBuffer().catch(String);
    expect(String(strict)).toMatch(/3 extraneous bytes/);
    writeTree(folder, { 'a.jpg': odd });
    expect((await loadPhotos(folder, { size: 8 })).count).toBe(1);
  });

  it('are an error when there is nothing else', async () => {
    writeTree(folder, { 'a.jpg': 'x', 'b.jpg': '' });
    await expect(loadPhotos(folder, { size: 8 })).rejects.toThrow(
      'none of the 2 photos can be read; b.jpg: the file is empty',
    );
  });

  it('are seen anew when the file has changed', async () => {
    writeTree(folder, { 'a.png': await png(1, 1, 1) });
    await loadPhotos(folder, { size: 8 });
    writeTree(folder, { 'a.png': await png(250, 0, 0) });
    expect(centre(imageOf(await loadPhotos(folder, { size: 8 }), 0))).toEqual([250, 0, 0]);
  });
});

describe('labels from folder names', () => {
  it('number the class folders in sorted order', () => {
    const found = labelsOf(['ant/1.png', 'bee/0.png', 'bee/1.png', 'cow/9.png'], 'x');
    expect(found?.classNames).toEqual(['ant', 'bee', 'cow']);
    expect([...found!.labels]).toEqual([0, 1, 1, 2]);
  });

  it.each([
    ['flat', ['a.png', 'b.png']],
    ['mixed', ['a.png', 'k/b.png', 'l/c.png']],
    ['deeper', ['k/b.png', 'l/m/c.png']],
    ['a single folder', ['k/a.png', 'k/b.png']],
  ])('are absent when the photos lie %s', (_, files) => {
    expect(labelsOf(files, 'x')).toBeUndefined();
  });

  it('use the given classes, and refuse others', () => {
    expect([...labelsOf(['cow/1.png'], 'x', ['ant', 'bee', 'cow'])!.labels]).toEqual([2]);
    expect(() => labelsOf(['dog/1.png'], 'test', ['ant', 'bee'])).toThrow(
      "test: class folder 'dog' has no counterpart",
    );
  });

  it('take two bytes when there are more than 256 classes', () => {
    const files = Array.from({ length: 300 }, (_, i) => `${String(i).padStart(3, '0')}/a.png`);
    const found = labelsOf(files, 'x')!;
    expect(found.labels).toBeInstanceOf(Uint16Array);
    expect([...found.labels]).toEqual([...Array(300).keys()]);
  });

  it('stay with their photos when some cannot be decoded', async () => {
    const classes = ['a', 'b', 'c'];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ of: fc.nat(2), bad: fc.boolean() }), { minLength: 3, maxLength: 12 }),
        async (list) => {
          // Folders in which nothing can be read are no classes.
          const names = classes.filter((_, k) => list.some(({ of, bad }) => of === k && !bad));
          fc.pre(names.length > 1);
          const here = join(folder, 'tree');
          for (const [i, { of, bad }] of list.entries()) {
            writeTree(here, {
              [`${classes[of]}/${String(i).padStart(2, '0')}.png`]: bad ? 'bad' : await png(of * 100, i, 0),
            });
          }
          const set = await loadPhotos(here, { size: 8 });
          rmSync(here, { recursive: true });
          expect(set.count + set.skipped.length).toBe(list.length);
          for (let i = 0; i < set.count; i++) {
            const [of, serial] = centre(imageOf(set, i));
            expect(names[set.labels![i]]).toBe(classes[of / 100]);
            expect(set.files![i]).toBe(`${classes[of / 100]}/${String(serial).padStart(2, '0')}.png`);
          }
        },
      ),
      { numRuns: 15 },
    );
  });
});

describe.skipIf(!hasPhotos)(`real photographs${needsPhotos}`, () => {
  it('load with labels, byte for byte what the decoder gives', async () => {
    const source = join(PHOTOS, 'clothing96', 'train');
    const set = await loadPhotos(source, { size: 96 });
    expect(set).toMatchObject({ count: 280, height: 96, width: 96, skipped: [] });
    expect(set.classNames).toHaveLength(10);
    expect(set.classNames).toContain('t-shirt');
    for (const i of [0, 133, 279]) {
      expect(set.files![i].split('/')[0]).toBe(set.classNames![set.labels![i]]);
      expect(isSame(imageOf(set, i), await sharp(join(source, set.files![i])).raw().toBuffer())).toBe(true);
    }
  });

  it('stay what they are when one file is cut short', async () => {
    const source = join(PHOTOS, 'imagenette96', 'test', 'church');
    const set = await loadPhotos(source, { size: 96 });
    expect(set.count).toBe(200);
    const [first, second] = set.files!.map((file) => readFileSync(join(source, file)));
    writeTree(folder, { '0.jpg': first.subarray(0, first.length / 2) });
    writeFileSync(join(folder, '1.jpg'), second);
    const cut = await loadPhotos(folder, { size: 96 });
    expect(cut.skipped.map(({ file }) => file)).toEqual(['0.jpg']);
    expect(isSame(imageOf(cut, 0), imageOf(set, 1))).toBe(true);
  });
});
