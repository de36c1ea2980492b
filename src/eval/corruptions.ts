/**
 * Damage to pictures, as in ImageNet-C (Hendrycks & Dietterich, 2019), at five strengths. The strengths published for 224 pixels
 * (ImageNet-C) and for 64 (Tiny ImageNet-C) differ; for sizes between them they are interpolated on logarithms, and beyond they stay
 * at the nearer end. Rotation is not among theirs: angles are ours, and what turns into the picture is its mirror image.
 */
import sharp from 'sharp';
import { hashWords, wordStream } from '../data/hash.ts';
import { type ImageSet, imageBytes, PixelStore, storedSet } from '../data/images.ts';

export const corruptionNames = ['noise', 'blur', 'contrast', 'jpeg', 'pixelate', 'rotation'] as const;
export type Corruption = (typeof corruptionNames)[number];

interface Published {
  readonly at64: readonly number[];
  readonly at224: readonly number[];
  /** What the number is. */
  readonly unit: string;
}

const same = (strengths: readonly number[], unit: string): Published => ({ at64: strengths, at224: strengths, unit });

const published: Readonly<Record<Corruption, Published>> = {
  noise: { at64: [0.04, 0.08, 0.12, 0.15, 0.18], at224: [0.08, 0.12, 0.18, 0.26, 0.38], unit: 'deviation, of 1' },
  blur: { at64: [0.5, 0.75, 1, 1.25, 1.5], at224: [1, 2, 3, 4, 6], unit: 'deviation in pixels' },
  contrast: same([0.4, 0.3, 0.2, 0.1, 0.05], 'share of the contrast left'),
  jpeg: { at64: [65, 58, 50, 40, 25], at224: [25, 18, 15, 10, 7], unit: 'quality' },
  pixelate: { at64: [0.9, 0.8, 0.7, 0.6, 0.5], at224: [0.6, 0.5, 0.4, 0.3, 0.25], unit: 'share of the side' },
  rotation: same([10, 20, 30, 45, 60], 'degrees, to either side'),
};

export const strengthUnit = (name: Corruption): string => published[name].unit;

/** The five strengths of a corruption for pictures of `size` pixels. */
export function strengths(name: Corruption, size: number): number[] {
  const { at64, at224 } = published[name];
  const t = Math.min(1, Math.max(0, Math.log(size / 64) / Math.log(224 / 64)));
  return at64.map((low, i) => Number((low * (at224[i] / low) ** t).toPrecision(3)));
}

/** A damaged copy of the images of a set, in memory. Noise and the side of a rotation depend on the seed and the image's number alone. */
export async function corrupt(
  set: ImageSet,
  name: Corruption,
  level: 1 | 2 | 3 | 4 | 5,
  seed: number,
): Promise<ImageSet> {
  const strength = strengths(name, set.height)[level - 1];
  const store = new PixelStore(set.count, imageBytes(set));
  const block = 32;
  for (let start = 0; start < set.count; start += block) {
    const images = Array.from({ length: Math.min(block, set.count - start) }, (_, k) => start + k);
    await Promise.all(
      images.map(async (i) => {
        const pixels = new Uint8Array(imageBytes(set));
        set.read(i, pixels, 0);
        store.slot(i).set(await damages[name](pixels, set.height, strength, hashWords(seed, i)));
      }),
    );
  }
  return storedSet({ ...set, name: `${set.name} (${name} ${level})` }, store);
}

type Damage = (pixels: Uint8Array, size: number, strength: number, seed: number) => Uint8Array | Promise<Uint8Array>;

const picture = (pixels: Uint8Array, size: number) =>
  sharp(pixels, { raw: { width: size, height: size, channels: 3 } });

const damages: Readonly<Record<Corruption, Damage>> = {
  noise: (pixels, _size, deviation, seed) => addNoise(pixels, deviation, seed),
  blur: (pixels, size, deviation) => blur(pixels, size, deviation),
  contrast: (pixels, _size, share) => scaleContrast(pixels, share),
  async jpeg(pixels, size, quality) {
    const file = await picture(pixels, size)
      .jpeg({ quality: Math.round(quality) })
      .toBuffer();
    return sharp(file).raw().toBuffer();
  },
  pixelate: (pixels, size, share) => pixelate(pixels, size, Math.max(1, Math.floor(size * share))),
  rotation: (pixels, size, degrees, seed) => rotate(pixels, size, seed & 1 ? degrees : -degrees),
};

/** x + N(0, deviation²) in every channel, by Box and Muller's transform; both of its numbers are used. */
function addNoise(pixels: Uint8Array, deviation: number, seed: number): Uint8Array {
  const word = wordStream(0x6e6f, seed);
  const result = new Uint8ClampedArray(pixels.length);
  for (let i = 0; i < pixels.length; i += 2) {
    const radius = 255 * deviation * Math.sqrt(-2 * Math.log((word(i) + 0.5) / 2 ** 32));
    const angle = (2 * Math.PI * word(i + 1)) / 2 ** 32;
    result[i] = pixels[i] + radius * Math.cos(angle);
    if (i + 1 < pixels.length) result[i + 1] = pixels[i + 1] + radius * Math.sin(angle);
  }
  return new Uint8Array(result.buffer);
}

/** Gaussian blur to four deviations, edges repeated; not libvips', which leaves a picture as it is below a deviation of 0.6. */
function blur(pixels: Uint8Array, size: number, deviation: number): Uint8Array {
  const radius = Math.ceil(4 * deviation);
  const bell = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-((i - radius) ** 2) / (2 * deviation ** 2)));
  const total = bell.reduce((a, b) => a + b);
  const pass = (from: ArrayLike<number>, along: number, across: number) => {
    const result = new Float64Array(pixels.length);
    for (let line = 0; line < size; line++) {
      for (let at = 0; at < size; at++) {
        for (let tap = -radius; tap <= radius; tap++) {
          const source = line * across + Math.min(size - 1, Math.max(0, at + tap)) * along;
          const weight = bell[tap + radius] / total;
          for (let c = 0; c < 3; c++) result[line * across + at * along + c] += weight * from[source + c];
        }
      }
    }
    return result;
  };
  return Uint8Array.from(pass(pass(pixels, 3, 3 * size), 3 * size, 3), Math.round);
}

/** (x − mean) · share + mean, with the picture's mean of each channel. */
function scaleContrast(pixels: Uint8Array, share: number): Uint8Array {
  const mean = [0, 0, 0];
  pixels.forEach((value, i) => {
    mean[i % 3] += (3 * value) / pixels.length;
  });
  return pixels.map((value, i) => Math.round((value - mean[i % 3]) * share + mean[i % 3]));
}

/** Means of `count` × `count` boxes, each drawn as a box: both ways by area, as PIL's BOX does. */
function pixelate(pixels: Uint8Array, size: number, count: number): Uint8Array {
  return resizeByArea(resizeByArea(pixels, size, count), count, size);
}

function resizeByArea(pixels: Uint8Array, from: number, to: number): Uint8Array {
  const weights = Array.from({ length: to }, (_, i) => coverage((i * from) / to, ((i + 1) * from) / to, from));
  const result = new Uint8Array(to * to * 3);
  for (let y = 0; y < to; y++) {
    for (let x = 0; x < to; x++) {
      const sum = [0, 0, 0];
      for (const [row, vertical] of weights[y]) {
        for (const [column, horizontal] of weights[x]) {
          const at = (row * from + column) * 3;
          for (let c = 0; c < 3; c++) sum[c] += vertical * horizontal * pixels[at + c];
        }
      }
      for (let c = 0; c < 3; c++) result[(y * to + x) * 3 + c] = Math.round(sum[c]);
    }
  }
  return result;
}

/** Shares of the cells that the stretch from `start` to `end` covers; when it is narrower than a cell, of the one in its middle. */
function coverage(start: number, end: number, cells: number): [cell: number, share: number][] {
  if (end - start <= 1) return [[Math.min(cells - 1, Math.floor((start + end) / 2)), 1]];
  const result: [number, number][] = [];
  for (let cell = Math.floor(start); cell < Math.min(cells, Math.ceil(end)); cell++) {
    const share = (Math.min(end, cell + 1) - Math.max(start, cell)) / (end - start);
    if (share > 1e-9) result.push([cell, share]);
  }
  return result;
}

/** Turns about the centre, bilinear; pixels from outside are the picture mirrored at its edge. */
function rotate(pixels: Uint8Array, size: number, degrees: number): Uint8Array {
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  const middle = (size - 1) / 2;
  const mirrored = (i: number) => {
    const period = 2 * size;
    const at = ((i % period) + period) % period;
    return at < size ? at : period - 1 - at;
  };
  const result = new Uint8Array(pixels.length);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const sx = cos * (x - middle) + sin * (y - middle) + middle;
      const sy = -sin * (x - middle) + cos * (y - middle) + middle;
      const [left, top] = [Math.floor(sx), Math.floor(sy)];
      const [fx, fy] = [sx - left, sy - top];
      const [x0, x1, y0, y1] = [mirrored(left), mirrored(left + 1), mirrored(top) * size, mirrored(top + 1) * size];
      for (let c = 0; c < 3; c++) {
        const upper = pixels[(y0 + x0) * 3 + c] * (1 - fx) + pixels[(y0 + x1) * 3 + c] * fx;
        const lower = pixels[(y1 + x0) * 3 + c] * (1 - fx) + pixels[(y1 + x1) * 3 + c] * fx;
        result[(y * size + x) * 3 + c] = Math.round(upper * (1 - fy) + lower * fy);
      }
    }
  }
  return result;
}
