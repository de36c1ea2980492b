import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { nextSteps } from '../../src/cli/next_steps.ts';
import { type Dataset, openDataset, type TrainSplit } from '../../src/data/dataset.ts';
import { concat, PixelStore, storedSet, subset } from '../../src/data/images.ts';
import { writeStl10 } from '../../src/data/stl10_write.ts';
import {
  hasPhotos,
  imageOf,
  isSame,
  madeSet,
  needsPhotos,
  PHOTOS,
  picture,
  temporaryFolder,
  writeTree,
} from './helpers.ts';

const root = temporaryFolder();
let folder: string;
let serial = 0;
beforeEach(() => {
  folder = join(root, String(serial++));
});

/** Photos whose red says which one it is. */
async function photos(paths: readonly string[]): Promise<string> {
  const files = paths.map(
    async (path, i) =>
      [
        path,
        await picture(8, 8, () => [i, 0, 0])
          .png()
          .toBuffer(),
      ] as const,
  );
  return writeTree(folder, Object.fromEntries(await Promise.all(files)));
}
const numbers = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, i) => `${prefix}${String(i).padStart(2, '0')}.png`);
const open = (split: TrainSplit = 'unlabeled') => openDataset(folder, { split, size: 8 });

describe('a folder of photos', () => {
  it('flat: all are pre-trained on, no probe', async () => {
    await photos(numbers(7, ''));
    const data = await open();
    expect(data).toMatchObject({ kind: 'photos', train: { count: 7 } });
    expect(data.probe).toBeUndefined();
    expect(data.description).toBe(`photos in ${folder}: 7 images of 8×8 to pre-train on; no labels for a probe`);
  });

  it('class folders of four: labels, but no fifth photo to hold out', async () => {
    await photos([...numbers(4, 'ant/'), ...numbers(4, 'bee/')]);
    const { train, probe, description, measured } = await open('train');
    expect([train.labels?.length, probe]).toEqual([8, undefined]);
    expect(description).toMatch(/: 8 images of 8×8 to pre-train on; no class of 5 photos to hold one out for a probe$/);
    expect(measured).toMatch(/: 8 images of 8×8, no class of 5 photos to hold one out$/);
  });

  it('class folders: every fifth of a class is held out, from pre-training too', async () => {
    await photos([...numbers(11, 'ant/'), ...numbers(4, 'bee/')]);
    const { train, probe, description } = await open();
    expect(probe!.test.files).toEqual(['ant/04.png', 'ant/09.png']);
    expect([...probe!.test.labels!]).toEqual([0, 0]);
    expect(train.count).toBe(13);
    expect(probe!.train.count).toBe(13);
    expect(train.files!.filter((file) => probe!.test.files!.includes(file))).toEqual([]);
    expect(imageOf(probe!.test, 1)[0]).toBe(9);
    expect([...train.labels!].filter((label) => label === 1).length).toBe(4);
    expect(description).toContain(
      'probe 13 train / 2 test in 2 classes (every 5th photo of a class held out for the test)',
    );
  });

  it('class folders with too few photos to hold any out: no probe', async () => {
    await photos([...numbers(4, 'ant/'), ...numbers(4, 'bee/')]);
    const { train, probe } = await open();
    expect(train.count).toBe(8);
    expect(probe).toBeUndefined();
  });

  it.each<[TrainSplit, number, string]>([
    ['unlabeled', 3, 'unlabeled/'],
    ['train', 4, 'train/'],
    ['train+unlabeled', 7, 'train/ and unlabeled/'],
  ])('with splits, %s: %d photos', async (split, count, used) => {
    const paths = ['train/ant/0.png', 'train/ant/1.png', 'train/bee/0.png', 'train/bee/1.png'];
    await photos([...paths, 'test/bee/0.png', ...numbers(3, 'unlabeled/')]);
    const { train, probe, description } = await open(split);
    expect(train.count).toBe(count);
    expect(probe).toMatchObject({ train: { count: 4 }, test: { count: 1, classNames: ['ant', 'bee'] } });
    expect([...probe!.test.labels!]).toEqual([1]);
    expect(imageOf(train, count - 1)[0]).toBe(split === 'train' ? 3 : 7);
    expect(description).toContain(`photos in ${folder}, ${used}: ${count} images of 8×8`);
  });

  it('takes val/ for test/, and holds out when there is neither', async () => {
    await photos([...numbers(5, 'train/ant/'), ...numbers(5, 'train/bee/'), 'val/ant/0.png']);
    const data = await open('train');
    expect(data.probe!.test.count).toBe(1);
    expect(data.description).toContain('test photos from val/');
    folder = `${folder}-2`;
    await photos([...numbers(5, 'train/ant/'), ...numbers(5, 'train/bee/')]);
    const held = await open('train');
    expect(held.train.count).toBe(8);
    expect(held.probe!.test.count).toBe(2);
  });

  it('does not take a class called train for a split', async () => {
    await photos([...numbers(5, 'bus/'), ...numbers(5, 'train/')]);
    const { probe } = await open();
    expect(probe!.test.classNames).toEqual(['bus', 'train']);
  });

  it('says what is missing', async () => {
    await photos(['unlabelled/a.png', 'test/ant/0.png']);
    await expect(open('train')).rejects.toThrow("no folder train/, which split 'train' needs");
    expect((await open()).train.count).toBe(1);
    await expect(openDataset(join(folder, 'none'), { split: 'train', size: 8 })).rejects.toThrow('no such folder');
    await expect(openDataset(join(folder, 'unlabelled/a.png'), { split: 'train', size: 8 })).rejects.toThrow(
      'a file, not',
    );
    writeTree(`${folder}-empty`, { 'readme.txt': 'x' });
    await expect(openDataset(`${folder}-empty`, { split: 'train', size: 8 })).rejects.toThrow('no photos here');
    await photos([...numbers(2, 'train/ant/'), 'train/bee/0.png', 'test/cow/0.png']);
    await expect(open()).rejects.toThrow("class folder 'cow'");
    expect((await openDataset(folder, { split: 'unlabeled', size: 8, probe: false })).probe).toBeUndefined();
  });
});

describe('without labels', () => {
  const unlabelled = (split: TrainSplit) => openDataset(folder, { split, size: 8, probe: false });

  it('class folders are photos and nothing is said of labels', async () => {
    await photos([...numbers(5, 'ant/'), ...numbers(4, 'bee/')]);
    const { train, probe, description } = await unlabelled('train');
    expect([train.count, train.labels, probe]).toEqual([9, undefined, undefined]);
    expect(description).toBe(`photos in ${folder}: 9 images of 8×8 to pre-train on`);
  });

  it('a test set whose classes do not fit is not opened', async () => {
    await photos([...numbers(2, 'train/ant/'), 'train/bee/0.png', 'test/cow/0.png']);
    expect((await unlabelled('train')).files.map(({ file }) => file)).toEqual(
      ['ant/00', 'ant/01', 'bee/0'].map((name) => `train/${name}.png`),
    );
  });

  it('what comes next still knows of the labels', async () => {
    await photos([...numbers(5, 'ant/'), ...numbers(4, 'bee/')]);
    const commands = async (on: Dataset) =>
      nextSteps('c', { dataset: on, data: folder, split: 'unlabeled' }).map(([a, b]) => (a === 'eval' ? b : a));
    expect(await commands(await unlabelled('unlabeled'))).toEqual(['embed', 'neighbors', 'linear', 'export']);
    folder = `${folder}-2`;
    await photos([...numbers(5, 'unlabeled/ant/'), ...numbers(4, 'unlabeled/bee/')]);
    expect(await commands(await unlabelled('unlabeled'))).toEqual(['embed', 'neighbors', 'export']);
  });
});

describe('STL-10 files', () => {
  const classNames = Array.from({ length: 10 }, (_, i) => `c${i}`);
  const set = (count: number, first: number) =>
    madeSet({ count, labels: Uint8Array.from({ length: count }, (_, i) => i % 10) }, (i) => first + i);
  const write = (parts: ('train' | 'test' | 'unlabeled')[]) => {
    const all = { train: set(12, 0), test: set(11, 100), unlabeled: set(3, 200) };
    writeStl10(join(folder, 'stl10_binary'), {
      classNames,
      ...Object.fromEntries(parts.map((part) => [part, all[part]])),
    });
  };
  const openAt = (split: TrainSplit, size = 96) => openDataset(folder, { split, size });

  it.each<[TrainSplit, number, number]>([
    ['unlabeled', 3, 200],
    ['train', 12, 0],
    ['train+unlabeled', 15, 0],
  ])('%s: %d images', async (split, count, first) => {
    write(['train', 'test', 'unlabeled']);
    const data = await openAt(split);
    expect(data).toMatchObject({
      kind: 'stl10',
      train: { count },
      probe: { train: { count: 12 }, test: { count: 11 } },
    });
    expect(imageOf(data.train, 0)[0]).toBe(first);
    expect(data.description).toContain(`split ${split}: ${count} images of 96×96`);
    data.close();
    expect(() => imageOf(data.probe!.test, 0)).toThrow(/after close/);
  });

  it('work without the parts that are not asked for, and name the one that is missing', async () => {
    write(['unlabeled']);
    const data = await openAt('unlabeled');
    expect(data.probe).toBeUndefined();
    data.close();
    await expect(openAt('train+unlabeled')).rejects.toThrow("no train_X.bin, which split 'train+unlabeled' needs");
  });

  it('need no labels where none are asked for', async () => {
    write(['train']);
    const labelled = await openDataset(folder, { split: 'train', size: 96, probe: false });
    labelled.close();
    rmSync(join(folder, 'stl10_binary', 'train_y.bin'));
    const { train, description, files, close } = await openDataset(folder, { split: 'train', size: 96, probe: false });
    close();
    expect([train.count, train.labels]).toEqual([12, undefined]);
    expect(description).toMatch(/: 12 images of 96×96 to pre-train on$/);
    expect(files.map(({ file }) => file)).toEqual(['train_X.bin']);
    // A run that was started with the labels goes on with them.
    expect(labelled.files.map(({ file }) => file)).toEqual(['train_X.bin', 'train_y.bin']);
    await expect(openDataset(folder, { split: 'train', size: 96 })).rejects.toThrow('train_y.bin');
  });

  it('are resized into memory at another size', async () => {
    const ramp = madeSet({ count: 2 }, (_, y, x, c) => [x * 2, y * 2, 50][c]);
    writeStl10(folder, { unlabeled: ramp });
    const data = await openDataset(folder, { split: 'unlabeled', size: 32 });
    expect(data.train).toMatchObject({ count: 2, height: 32, width: 32 });
    const pixels = imageOf(data.train, 1);
    // Pixel x of 32 covers columns 3x to 3x+2: their mean is 2·(3x+1).
    expect([...pixels.subarray((16 * 32 + 10) * 3, (16 * 32 + 10) * 3 + 3)]).toEqual([62, 98, 50]);
  });
});

describe('sets in memory', () => {
  it('keep images apart across chunks of 64 MiB', () => {
    const bytes = 3 * 2000 * 2000;
    const store = new PixelStore(12, bytes);
    for (const i of [0, 4, 5, 11]) store.slot(i).fill(i + 1, bytes - 2);
    const set = storedSet({ name: 'x', count: 12, height: 2000, width: 2000, skipped: [] }, store);
    for (const i of [0, 4, 5, 11]) expect([...imageOf(set, i).subarray(-3)]).toEqual([0, i + 1, i + 1]);
  });

  it('say so when there is not enough memory', () => {
    expect(() => new PixelStore(1, 2 ** 53 - 1).slot(0)).toThrow('not enough memory for 1 image (8388608.0 GiB)');
  });

  it('combine without mixing up images', () => {
    const a = madeSet({ count: 3, height: 2, width: 2, labels: Uint8Array.of(0, 1, 2) }, (i) => i);
    const b = madeSet({ count: 2, height: 2, width: 2 }, (i) => 10 + i);
    const both = concat('both', a, b);
    const picked = subset(both, Uint32Array.of(4, 0, 4, 2));
    expect([0, 1, 2, 3].map((i) => imageOf(picked, i)[0])).toEqual([11, 0, 11, 2]);
    expect([...subset(a, Uint32Array.of(2, 2, 0, 1)).labels!]).toEqual([2, 2, 0, 1]);
    expect(() =>
      concat(
        'x',
        a,
        madeSet({ count: 1, height: 3, width: 2 }, () => 0),
      ),
    ).toThrow('is 3×2');
  });
});

describe.skipIf(!hasPhotos)(`real photographs${needsPhotos}`, () => {
  it('clothing96: splits and classes fit together', async () => {
    const path = join(PHOTOS, 'clothing96');
    const data = await openDataset(path, { split: 'unlabeled', size: 96 });
    expect(data.train.count).toBe(280);
    expect(data.probe!.test.count).toBe(120);
    expect(data.probe!.test.classNames).toEqual(data.probe!.train.classNames);
    expect(data.description).toContain('train/: 280 images of 96×96 to pre-train on; probe 280 train / 120 test in 10');
  });

  it('stl10_images: "unlabelled" is found, and a smaller size is a smaller picture of the same', async () => {
    const path = join(PHOTOS, 'stl10_images');
    const [large, small] = await Promise.all([96, 48].map((size) => openDataset(path, { split: 'unlabeled', size })));
    expect(large.train.count).toBe(246);
    const mean = (pixels: Uint8Array) => pixels.reduce((sum, byte) => sum + byte, 0) / pixels.length;
    for (const i of [0, 100, 245])
      expect(mean(imageOf(small.train, i))).toBeCloseTo(mean(imageOf(large.train, i)), -0.3);
    expect(isSame(imageOf(large.train, 0), imageOf(large.train, 1))).toBe(false);
  });
});
