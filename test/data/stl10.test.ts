import { createHash } from 'node:crypto';
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { beforeEach, describe, expect, it } from 'vitest';
import { loadPhotos } from '../../src/data/folder.ts';
import { type ImageSet, subset } from '../../src/data/images.ts';
import { columnsToPixels, loadStl10, readFolds, STL10_IMAGE_BYTES } from '../../src/data/stl10.ts';
import { writeStl10 } from '../../src/data/stl10_write.ts';
import { UserError } from '../../src/errors.ts';
import { hasPhotos, imageOf, isSame, madeSet, needsPhotos, PHOTOS, temporaryFolder, writeTree } from './helpers.ts';

const root = temporaryFolder();
let folder: string;
let serial = 0;
beforeEach(() => {
  folder = join(root, String(serial++));
});

const value = (i: number, y: number, x: number, c: number) => (i * 31 + y * 7 + x * 3 + c * 101) & 255;
const tenClasses = Array.from({ length: 10 }, (_, i) => `class${i}`);
const labelled = (count: number) =>
  madeSet({ count, labels: Uint8Array.from({ length: count }, (_, i) => i % 10), classNames: tenClasses }, value);

function writeSmall(): void {
  const folds = Array.from({ length: 10 }, (_, i) => [i, 19 - i]);
  writeStl10(folder, {
    train: labelled(20),
    test: labelled(12),
    unlabeled: madeSet({ count: 67 }, value),
    classNames: tenClasses,
    folds,
  });
}

describe('STL-10 format', () => {
  it('stores channel by channel, column by column', () => {
    writeStl10(folder, { unlabeled: madeSet({ count: 2 }, value) });
    const bytes = readFileSync(join(folder, 'unlabeled_X.bin'));
    expect(bytes.length).toBe(2 * 27648);
    // numpy: X = fromfile(…).reshape(-1, 3, 96, 96); image = transpose(X, (0, 3, 2, 1))
    for (const [i, c, x, y] of [
      [0, 0, 0, 1],
      [0, 0, 1, 0],
      [1, 2, 95, 3],
      [1, 1, 40, 95],
    ]) {
      expect(bytes[((i * 3 + c) * 96 + x) * 96 + y]).toBe(value(i, y, x, c));
    }
  });

  it('returns what was written, labels and names and folds too', () => {
    writeSmall();
    expect(readdirSync(folder).filter((name) => name.includes('tmp'))).toEqual([]);
    const train = loadStl10(folder, 'train');
    expect(train).toMatchObject({ count: 20, height: 96, width: 96, classNames: tenClasses, skipped: [] });
    expect([...train.labels!]).toEqual(Array.from({ length: 20 }, (_, i) => i % 10));
    expect(isSame(imageOf(train, 13), imageOf(labelled(20), 13))).toBe(true);
    expect(readFileSync(join(folder, 'train_y.bin'))[9]).toBe(10);
    expect(loadStl10(folder, 'test').count).toBe(12);
    expect(readFolds(folder).map((fold) => [...fold])[9]).toEqual([9, 10]);
  });

  it('joins train and unlabeled, without labels, and finds the files under stl10_binary/', () => {
    const parent = folder;
    folder = join(parent, 'stl10_binary');
    writeSmall();
    const both = loadStl10(parent, 'train+unlabeled');
    expect(both.count).toBe(87);
    expect(both.labels).toBeUndefined();
    expect(isSame(imageOf(both, 19), imageOf(labelled(20), 19))).toBe(true);
    expect(isSame(imageOf(both, 20), imageOf(labelled(20), 0))).toBe(true);
    both.close?.();
    both.close?.();
    expect(() => imageOf(both, 0)).toThrow(/after close/);
  });

  it('transposes any bytes into the place that was asked for, and nothing beside it', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 95 }),
        fc.nat({ max: 95 }),
        fc.nat({ max: 2 }),
        fc.nat({ max: 9 }),
        (x, y, c, offset) => {
          const stored = new Uint8Array(STL10_IMAGE_BYTES);
          stored[c * 9216 + x * 96 + y] = 200;
          const target = new Uint8Array(STL10_IMAGE_BYTES + 20).fill(7, 0, offset).fill(7, STL10_IMAGE_BYTES + offset);
          columnsToPixels(stored, target, offset);
          const expected = new Uint8Array(STL10_IMAGE_BYTES + 20)
            .fill(7, 0, offset)
            .fill(7, STL10_IMAGE_BYTES + offset);
          expected[offset + (y * 96 + x) * 3 + c] = 200;
          expect(Buffer.compare(target, expected)).toBe(0);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('reads behind 2 GiB: the real size of the unlabelled images, 2.76 GB', () => {
    writeStl10(folder, { unlabeled: madeSet({ count: 1 }, value) });
    const file = join(folder, 'unlabeled_X.bin');
    const stored = readFileSync(file);
    truncateSync(file, 100_000 * STL10_IMAGE_BYTES); // sparse: takes no room
    const fd = openSync(file, 'r+');
    writeSync(fd, stored, 0, stored.length, 99_999 * STL10_IMAGE_BYTES);
    closeSync(fd);
    const set = loadStl10(folder, 'unlabeled');
    expect(set.count).toBe(100_000);
    expect(isSame(imageOf(set, 99_999), imageOf(madeSet({ count: 1 }, value), 0))).toBe(true);
    expect(imageOf(set, 80_000).every((byte) => byte === 0)).toBe(true);
    set.close?.();
    rmSync(file);
  });
});

describe('STL-10 faults, each in one line with file and numbers', () => {
  const failure = (action: () => unknown): string => {
    try {
      action();
    } catch (error) {
      expect(error).toBeInstanceOf(UserError);
      const { message } = error as UserError;
      expect(message).not.toContain('\n');
      return message;
    }
    throw new Error('no error');
  };

  it.each([
    ['truncated', 20 * 27648 - 1, '552959 bytes are 19 images of 27648 bytes (3×96×96) plus 27647 extra bytes'],
    ['too long', 20 * 27648 + 1, '552961 bytes are 20 images of 27648 bytes (3×96×96) plus 1 extra byte'],
    ['empty', 0, '0 bytes are 0 images'],
  ])('%s pixels', (_, size, message) => {
    writeSmall();
    truncateSync(join(folder, 'train_X.bin'), size);
    expect(failure(() => loadStl10(folder, 'train'))).toContain(`${join(folder, 'train_X.bin')}: ${message}`);
    expect(failure(() => loadStl10(folder, 'train+unlabeled'))).toContain(message);
  });

  it('labels of another count', () => {
    writeSmall();
    truncateSync(join(folder, 'test_y.bin'), 11);
    expect(failure(() => loadStl10(folder, 'test'))).toContain('test_y.bin: 11 labels, expected 12');
  });

  it.each([0, 11, 255])('label %d', (label) => {
    writeSmall();
    const labels = readFileSync(join(folder, 'test_y.bin'));
    labels[5] = label;
    writeFileSync(join(folder, 'test_y.bin'), labels);
    expect(failure(() => loadStl10(folder, 'test'))).toContain(
      `test_y.bin: label ${label} of image 5, expected 1 to 10`,
    );
  });

  it('missing files', () => {
    writeSmall();
    rmSync(join(folder, 'test_y.bin'));
    rmSync(join(folder, 'unlabeled_X.bin'));
    expect(failure(() => loadStl10(folder, 'test'))).toMatch(/test_y\.bin: no such file/);
    expect(failure(() => loadStl10(folder, 'unlabeled'))).toMatch(/unlabeled_X\.bin: no such file/);
    expect(failure(() => loadStl10(root, 'train'))).toContain('no STL-10 files found');
  });

  it('folds', () => {
    writeSmall();
    const folds = (text: string) => writeFileSync(join(folder, 'fold_indices.txt'), text);
    folds('0 1\n'.repeat(9));
    expect(failure(() => readFolds(folder))).toContain('fold_indices.txt: 9 lines, expected 10');
    folds(`${'0 1\n'.repeat(9)}0 20 \n`);
    expect(failure(() => readFolds(folder))).toContain("line 10: '20' is not an index from 0 to 19");
    folds(`${'0 1\n'.repeat(9)}0 x\n`);
    expect(failure(() => readFolds(folder))).toContain("line 10: 'x' is not an index");
    folds('3 3\n'.repeat(10));
    expect(failure(() => readFolds(folder))).toContain('2 indices, but only 1 distinct');
  });

  it('sets that the format cannot hold leave the folder as it was', () => {
    const small = madeSet({ count: 1, height: 64, width: 64 }, value);
    expect(failure(() => writeStl10(folder, { unlabeled: small }))).toContain('64×64');
    expect(failure(() => writeStl10(folder, { train: madeSet({ count: 1 }, value) }))).toContain('no labels');
    const many = madeSet({ count: 1, labels: Uint16Array.of(255) }, value);
    expect(failure(() => writeStl10(folder, { test: many }))).toContain('more than 255 classes');
    writeSmall();
    const before = readFileSync(join(folder, 'train_X.bin'));
    const failing = labelled(20);
    const broken = {
      ...failing,
      read: (i: number, t: Uint8Array, o: number) => (i === 15 ? fail() : failing.read(i, t, o)),
    };
    expect(() => writeStl10(folder, { train: broken })).toThrow('cannot read');
    expect(readFileSync(join(folder, 'train_X.bin')).equals(before)).toBe(true);
    expect(readdirSync(folder).filter((name) => name.includes('tmp'))).toEqual([]);
  });
  const fail = (): never => {
    throw new Error('cannot read');
  };

  it('reading outside the set or the target', () => {
    writeSmall();
    const set: ImageSet = loadStl10(folder, 'train');
    const target = new Uint8Array(STL10_IMAGE_BYTES);
    expect(() => set.read(20, target, 0)).toThrow('image 20 of a set of 20');
    expect(() => set.read(-1, target, 0)).toThrow('image -1');
    expect(() => set.read(0, target, 1)).toThrow('bytes 1 to 27649 of a target of 27648 bytes');
    truncateSync(join(folder, 'train_X.bin'), 27648);
    expect(failure(() => set.read(1, target, 0))).toContain('was truncated');
  });
});

describe.skipIf(!hasPhotos)(`real STL-10 pictures${needsPhotos}`, () => {
  it('go through the format unchanged', async () => {
    const source = join(PHOTOS, 'stl10_images', 'labelled');
    const photos = await loadPhotos(source, { size: 96 });
    expect(photos.count).toBe(10);
    const names = photos.files!.map((file) => /original_([a-z]+)_/.exec(file)![1]);
    const set = { ...photos, labels: Uint8Array.from(names.keys()), classNames: names };
    writeStl10(folder, { train: set, test: subset(set, Uint32Array.of(3, 1)), classNames: names });
    const train = loadStl10(folder, 'train');
    expect(train.classNames).toEqual([
      'airplane',
      'bird',
      'car',
      'cat',
      'deer',
      'dog',
      'horse',
      'monkey',
      'ship',
      'truck',
    ]);
    for (let i = 0; i < 10; i++) {
      const decoded = await sharp(join(source, photos.files![i])).removeAlpha().raw().toBuffer();
      expect(Buffer.compare(imageOf(train, i), decoded)).toBe(0);
    }
    const test = loadStl10(folder, 'test');
    expect([...test.labels!]).toEqual([3, 1]);
    expect(isSame(imageOf(test, 0), imageOf(train, 3))).toBe(true);
    const md5 = createHash('md5')
      .update(readFileSync(join(folder, 'train_X.bin')))
      .digest('hex');
    writeStl10(folder, { train: { ...train, read: train.read } });
    expect(
      createHash('md5')
        .update(readFileSync(join(folder, 'train_X.bin')))
        .digest('hex'),
    ).toBe(md5);
  });
});

describe('class names', () => {
  it('may be absent; an empty list is a fault', () => {
    writeSmall();
    rmSync(join(folder, 'class_names.txt'));
    expect(loadStl10(folder, 'train').classNames).toBeUndefined();
    writeTree(folder, { 'class_names.txt': '\n' });
    expect(() => loadStl10(folder, 'train')).toThrow('0 class names');
  });
});
