import { createHash } from 'node:crypto';
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { openDataset } from '../../../src/data/dataset.ts';
import { drawSample, ensureSampleSet, SAMPLE_CLASSES, sampleSet } from '../../../src/data/sample/sample.ts';
import { makeShape } from '../../../src/data/sample/shapes.ts';
import { readFolds } from '../../../src/data/stl10.ts';
import { writeStl10 } from '../../../src/data/stl10_write.ts';
import { imageOf, isSame, madeSet, temporaryFolder } from '../helpers.ts';

const root = temporaryFolder();
let folder: string;
let serial = 0;
beforeEach(() => {
  folder = join(root, String(serial++));
});

/** Mean colour of 8×8 blocks, then zero mean and unit length: what a picture is to the eye of plain pixels. */
function pixelFeatures(pixels: Uint8Array): Float64Array {
  const features = new Float64Array(12 * 12 * 3);
  for (let at = 0; at < pixels.length; at++) {
    const pixel = Math.floor(at / 3);
    const [x, y] = [pixel % 96, Math.floor(pixel / 96)];
    features[((y >> 3) * 12 + (x >> 3)) * 3 + (at % 3)] += pixels[at];
  }
  const mean = features.reduce((sum, value) => sum + value, 0) / features.length;
  const centred = features.map((value) => value - mean);
  const length = Math.sqrt(centred.reduce((sum, value) => sum + value * value, 0));
  return centred.map((value) => value / length);
}

/** Share of pictures whose class most of their k nearest neighbours have. */
function knnAccuracy(train: readonly Float64Array[], test: readonly Float64Array[], k: number): number {
  const hits = test.filter((query, i) => {
    const similarity = train.map((other) => {
      let sum = 0;
      for (let j = 0; j < query.length; j++) sum += other[j] * query[j];
      return sum;
    });
    const nearest = [...similarity.keys()].sort((a, b) => similarity[b] - similarity[a]).slice(0, k);
    const votes = new Uint32Array(10);
    for (const j of nearest) votes[j % 10]++;
    return votes.indexOf(Math.max(...votes)) === i % 10;
  });
  return hits.length / test.length;
}

describe('drawSample', () => {
  it('is a function of its arguments: the same picture, byte for byte, in every run', () => {
    const digest = createHash('md5');
    for (let c = 0; c < 10; c++) digest.update(drawSample(c, 7, 96));
    expect(digest.digest('hex')).toMatchInlineSnapshot(`"f7c75bc8303e0df941bd892bd87d702b"`);
  });

  it('draws at any size', () => {
    for (const size of [1, 7, 32, 130]) expect(drawSample(4, 2, size).length).toBe(size * size * 3);
    expect(() => drawSample(10, 0, 96)).toThrow('class 10 of 10');
  });

  it('gives most things of a class its typical hue: colour is a hint, not the label', () => {
    // A disc's middle is its own colour, and red is typical of discs.
    const red = Array.from({ length: 60 }, (_, i) => drawSample(0, i, 48)).filter((pixels) => {
      const [r, g, b] = pixels.subarray((24 * 48 + 24) * 3);
      return r > g && r > b;
    });
    expect(red.length / 60).toBeGreaterThan(0.75);
    expect(red.length / 60).toBeLessThan(1);
  });

  it('draws soft edges: pictures are what twice their size shrinks to', () => {
    // Grain and the one-pixel edge differ; a jagged or shifted drawing would differ by much more.
    const difference = (index: number) => {
      const [large, small] = [drawSample(0, index, 192), drawSample(0, index, 96)];
      let sum = 0;
      for (let y = 0; y < 96; y++) {
        for (let x = 0; x < 96; x++) {
          const at = (dx: number, dy: number) => large[((2 * y + dy) * 192 + 2 * x + dx) * 3];
          sum += Math.abs((at(0, 0) + at(1, 0) + at(0, 1) + at(1, 1)) / 4 - small[(y * 96 + x) * 3]);
        }
      }
      return sum / 9216;
    };
    // How much grain there is differs from picture to picture.
    const differences = Array.from({ length: 8 }, (_, i) => difference(i));
    expect(differences.reduce((a, b) => a + b) / 8).toBeLessThan(4);
  });

  it('shows the class in most pictures’ pixels, but not in all: nearest neighbours 50 to 75 %', () => {
    const features = (part: 'train' | 'test', count: number) => {
      const set = sampleSet(part, count);
      return Array.from({ length: count }, (_, i) => pixelFeatures(imageOf(set, i)));
    };
    const accuracy = knnAccuracy(features('train', 1000), features('test', 300), 10);
    expect(accuracy).toBeGreaterThan(0.5);
    expect(accuracy).toBeLessThan(0.75);
  });
});

describe('shapes', () => {
  const fixed = () => 0.5;
  /** Share of the square from −1.2 to 1.2 that a shape covers. */
  const area = (name: (typeof SAMPLE_CLASSES)[number]) => {
    const shape = makeShape(name, fixed);
    let inside = 0;
    for (let y = -1.2; y < 1.2; y += 0.01)
      for (let x = -1.2; x < 1.2; x += 0.01) inside += shape.distance(x, y) < 0 ? 1e-4 : 0;
    return inside;
  };

  it('have the areas that geometry gives them', () => {
    expect(area('disc')).toBeCloseTo(Math.PI * 0.88 ** 2, 1);
    expect(area('ring')).toBeCloseTo(Math.PI * (0.95 ** 2 - 0.65 ** 2), 1);
    expect(area('cross')).toBeCloseTo(4 * (2 * 0.95 * 0.26 - 0.26 ** 2), 1);
    // Ten triangles from the centre, between radius 1 and the inner radius that the ratio gives: all sides are equal.
    expect(area('star')).toBeGreaterThan(0.9);
    expect(area('star')).toBeLessThan(1.6);
  });

  it.each(SAMPLE_CLASSES)(
    '%s: no step of the distance is longer than the step of the place, and it stays near',
    (name) => {
      const { distance } = makeShape(name, fixed);
      for (let i = 0; i < 400; i++) {
        const [x, y] = [Math.sin(i * 1.3) * 1.2, Math.cos(i * 2.1) * 1.2];
        const jump = Math.abs(distance(x + 0.01, y) - distance(x, y));
        if (name !== 'spiral') expect(jump).toBeLessThan(0.0101);
        if (x * x + y * y > 1.21 ** 2) expect(distance(x, y)).toBeGreaterThan(0);
      }
    },
  );
});

describe('ensureSampleSet', () => {
  const counts = { train: 30, test: 20, unlabeled: 25 };

  it('draws once, in a form that the loader takes', async () => {
    const progress: number[] = [];
    const onProgress = ({ done, total }: { done: number; total: number | undefined }) => progress.push(done / total!);
    expect(ensureSampleSet(folder, { ...counts, onProgress })).toEqual({ folder, drawn: true });
    expect(progress.at(-1)).toBe(1);
    const before = statSync(join(folder, 'train_X.bin')).mtimeMs;
    expect(ensureSampleSet(folder, counts)).toEqual({ folder, drawn: false });
    expect(statSync(join(folder, 'train_X.bin')).mtimeMs).toBe(before);

    const data = await openDataset(folder, { split: 'unlabeled', size: 96 });
    expect(data).toMatchObject({ train: { count: 25 }, probe: { train: { count: 30 }, test: { count: 20 } } });
    expect(data.probe!.test.classNames).toEqual(SAMPLE_CLASSES);
    expect([...data.probe!.test.labels!.slice(8, 12)]).toEqual([8, 9, 0, 1]);
    expect(isSame(imageOf(data.probe!.train, 14), drawSample(4, 1, 96))).toBe(true);
    expect(isSame(imageOf(data.probe!.train, 14), imageOf(data.probe!.test, 14))).toBe(false);
    expect(readFolds(folder).map((fold) => fold.length)).toEqual(Array(10).fill(6));
    data.close();
  });

  it('draws anew when a file is short, a drawing was stopped, or other numbers are wanted', () => {
    ensureSampleSet(folder, counts);
    truncateSync(join(folder, 'test_X.bin'), 100);
    expect(ensureSampleSet(folder, counts).drawn).toBe(true);
    writeFileSync(join(folder, 'sample.json'), '{}\n');
    expect(ensureSampleSet(folder, counts).drawn).toBe(true);
    expect(ensureSampleSet(folder, { ...counts, test: 10 }).drawn).toBe(true);
    expect(statSync(join(folder, 'test_X.bin')).size).toBe(10 * 27648);
  });

  it('does not overwrite files that it did not draw', () => {
    writeStl10(folder, { unlabeled: madeSet({ count: 1 }, () => 9) });
    expect(() => ensureSampleSet(folder, counts)).toThrow(`${folder}: holds STL-10 files that are not the sample set`);
    expect(readFileSync(join(folder, 'unlabeled_X.bin'))[0]).toBe(9);
    expect(() => ensureSampleSet(folder, { ...counts, test: 0 })).toThrow('sample set: 0 test pictures; at least 10');
  });
});
