import { describe, expect, it } from 'vitest';
import { type ImageSet, PixelStore, storedSet } from '../../src/data/images.ts';
import { corrupt, corruptionNames, strengths } from '../../src/eval/corruptions.ts';

const size = 24;

/** Coloured gradients with an edge in them. */
function pictures(
  count: number,
  draw = (i: number, x: number, y: number, c: number) => ((x * (c + 2) + y * 3 + i * 9) % 90) + (x > 12 ? 120 : 20),
): ImageSet {
  const store = new PixelStore(count, size * size * 3);
  for (let i = 0; i < count; i++) {
    const slot = store.slot(i);
    for (let at = 0; at < slot.length; at++)
      slot[at] = draw(i, Math.floor(at / 3) % size, Math.floor(at / 3 / size), at % 3);
  }
  return storedSet({ name: 'drawn', count, height: size, width: size, skipped: [] }, store);
}

const read = (set: ImageSet, i = 0): Uint8Array => {
  const pixels = new Uint8Array(size * size * 3);
  set.read(i, pixels, 0);
  return pixels;
};

const distance = (a: Uint8Array, b: Uint8Array): number =>
  Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0) / a.length);

describe('corruptions', () => {
  it.each(corruptionNames)('%s: the stronger the farther from the picture, the same every time', async (name) => {
    const set = pictures(2);
    const distances: number[] = [];
    for (const level of [1, 3, 5] as const) {
      const damaged = await corrupt(set, name, level, 1);
      distances.push(distance(read(damaged), read(set)));
      expect(read(await corrupt(set, name, level, 1), 1)).toEqual(read(damaged, 1));
    }
    expect(distances[0]).toBeGreaterThan(0.5);
    if (name !== 'rotation') expect(distances).toEqual([...distances].sort((a, b) => a - b));
  });

  it('strengths are the published ones at 64 and at 224 pixels, and between them in between', () => {
    expect(strengths('noise', 224)).toEqual([0.08, 0.12, 0.18, 0.26, 0.38]);
    expect(strengths('jpeg', 64)).toEqual([65, 58, 50, 40, 25]);
    expect(strengths('jpeg', 32)).toEqual(strengths('jpeg', 64));
    expect(strengths('contrast', 96)).toEqual([0.4, 0.3, 0.2, 0.1, 0.05]);
    strengths('blur', 96).forEach((value, i) => {
      expect(value).toBeGreaterThan(strengths('blur', 64)[i]);
      expect(value).toBeLessThan(strengths('blur', 224)[i]);
    });
  });

  it('noise has the deviation that it says and another pattern for another image and seed', async () => {
    const set = pictures(2, () => 128);
    const damaged = await corrupt(set, 'noise', 3, 1);
    expect(distance(read(damaged), read(set)) / 255).toBeCloseTo(0.12, 2);
    expect(read(damaged, 1)).not.toEqual(read(damaged, 0));
    expect(read(await corrupt(set, 'noise', 3, 2))).not.toEqual(read(damaged));
  });

  it('contrast keeps the mean, rotation and blur keep a plain picture, pixelate by halves makes equal squares', async () => {
    const set = pictures(1);
    const mean = (pixels: Uint8Array) => pixels.reduce((a, b) => a + b, 0) / pixels.length;
    expect(mean(read(await corrupt(set, 'contrast', 5, 1)))).toBeCloseTo(mean(read(set)), 0);
    const plain = pictures(1, (_i, _x, _y, c) => 40 + 50 * c);
    for (const name of ['rotation', 'blur', 'pixelate'] as const) {
      expect(read(await corrupt(plain, name, 5, 1)), name).toEqual(read(plain));
    }
    const halved = read(await corrupt(set, 'pixelate', 5, 1));
    for (const at of [0, 3, size * 3, (2 * size + 4) * 3]) {
      const [x, y] = [Math.floor(at / 3) % size, Math.floor(at / 3 / size)];
      expect(halved[at]).toBe(halved[(y - (y % 2)) * size * 3 + (x - (x % 2)) * 3]);
    }
  });
});
