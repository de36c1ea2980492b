import type { AugmentOptions, ResampleOptions } from '../../src/ops/augment.ts';
import { applyOperation } from './augment_operations.ts';
import type { Definitions, Values } from './interpreter.ts';

type Colour = [number, number, number];
/** Colours row by row. */
type Picture = Colour[];

const clamp = (x: number): number => Math.min(1, Math.max(0, x));
const grey = ([r, g, b]: Colour): number => 0.2989 * r + 0.587 * g + 0.114 * b;
const blend = (colour: Colour, other: number, factor: number): Colour =>
  colour.map((x) => clamp(factor * x + (1 - factor) * other)) as Colour;
const meanGrey = (picture: Picture): number => picture.reduce((sum, colour) => sum + grey(colour), 0) / picture.length;

function rgbToHsv([r, g, b]: Colour): Colour {
  const v = Math.max(r, g, b);
  const chroma = v - Math.min(r, g, b);
  if (chroma === 0) return [0, 0, v];
  const sixths = v === r ? (g - b) / chroma : v === g ? 2 + (b - r) / chroma : 4 + (r - g) / chroma;
  return [(sixths / 6 + 1) % 1, chroma / v, v];
}

function hsvToRgb([h, s, v]: Colour): Colour {
  const sector = Math.floor(h * 6);
  const f = h * 6 - sector;
  const [p, q, t] = [v * (1 - s), v * (1 - s * f), v * (1 - s * (1 - f))];
  const sectors: Colour[] = [
    [v, t, p],
    [q, v, p],
    [p, v, t],
    [p, q, v],
    [t, p, v],
    [v, p, q],
  ];
  return sectors[sector % 6];
}

const operations: ((picture: Picture, factor: number) => Picture)[] = [
  (picture, factor) => picture.map((colour) => blend(colour, 0, factor)),
  (picture, factor) => {
    const mean = meanGrey(picture);
    return picture.map((colour) => blend(colour, mean, factor));
  },
  (picture, factor) => picture.map((colour) => blend(colour, grey(colour), factor)),
  (picture, factor) =>
    picture.map((colour) => {
      const [h, s, v] = rgbToHsv(colour);
      return hsvToRgb([(((h + factor) % 1) + 1) % 1, s, v]);
    }),
];

/** Weights [size][length] of PyTorch's bilinear interpolation, plain or antialiased. */
function resampling(length: number, size: number, antialias: boolean): number[][] {
  const scale = length / size;
  return Array.from({ length: size }, (_, i) => {
    const weights = new Array<number>(length).fill(0);
    const centre = (i + 0.5) * scale;
    if (antialias && scale > 1) {
      for (let j = 0; j < length; j++) weights[j] = Math.max(0, 1 - Math.abs(j + 0.5 - centre) / scale);
      const total = weights.reduce((a, b) => a + b, 0);
      return weights.map((w) => w / total);
    }
    const source = Math.max(0, centre - 0.5);
    const low = Math.min(Math.floor(source), length - 1);
    weights[low] += 1 - (source - low);
    weights[Math.min(low + 1, length - 1)] += source - low;
    return weights;
  });
}

const mix = (colours: Picture, weights: readonly number[]): Colour => {
  const sum: Colour = [0, 0, 0];
  for (const [i, w] of weights.entries()) if (w !== 0) for (let c = 0; c < 3; c++) sum[c] += w * colours[i][c];
  return sum;
};

/** Applies a matrix along rows, then one along columns; both [out][in]. */
function separable(picture: Picture, width: number, down: number[][], across: number[][]): Picture {
  const height = picture.length / width;
  const rows = Array.from({ length: height }, (_, y) => {
    const row = picture.slice(y * width, (y + 1) * width);
    return across.map((weights) => mix(row, weights));
  });
  return down.flatMap((weights) =>
    across.map((_, x) =>
      mix(
        rows.map((row) => row[x]),
        weights,
      ),
    ),
  );
}

function blurring(size: number, kernel: number, sigma: number): number[][] {
  const radius = (kernel - 1) / 2;
  const taps = Array.from({ length: kernel }, (_, k) => Math.exp(-(((k - radius) / sigma) ** 2) / 2));
  const total = taps.reduce((a, b) => a + b, 0);
  return Array.from({ length: size }, (_, i) => {
    const weights = new Array<number>(size).fill(0);
    for (const [k, tap] of taps.entries()) {
      const at = Math.abs(i + k - radius);
      weights[at < size ? at : 2 * (size - 1) - at] += tap / total;
    }
    return weights;
  });
}

function unpack(
  words: Values,
  count: number,
  { width }: ResampleOptions,
  [top, left, h, w]: Values,
  n: number,
): Picture {
  const bytes = new Uint8Array(
    Uint32Array.from(words.subarray((n * words.length) / count, ((n + 1) * words.length) / count)).buffer,
  );
  return Array.from({ length: h * w }, (_, i) => {
    const at = 3 * ((top + Math.floor(i / w)) * width + left + (i % w));
    return [bytes[at] / 255, bytes[at + 1] / 255, bytes[at + 2] / 255];
  });
}

function makeView(
  crop: Picture,
  row: Values,
  { size, antialias, blurKernel }: AugmentOptions,
  policy: readonly Values[],
): Picture {
  const [, , h, w, flip, ...rest] = row;
  const [factors, order, [grayscale, sigma, solarize]] = [rest.slice(0, 4), rest.slice(4, 8), rest.slice(8)];
  let view = separable(crop, w, resampling(h, size, antialias), resampling(w, size, antialias));
  if (flip) view = view.map((_, i) => view[i - (i % size) + size - 1 - (i % size)]);
  for (const operation of policy) view = [...applyOperation(view, operation)];
  const toGrey = () => view.map((colour): Colour => [grey(colour), grey(colour), grey(colour)]);
  if (grayscale === 2) view = toGrey();
  for (const operation of order) if (operation > 0) view = operations[operation - 1](view, factors[operation - 1]);
  if (grayscale === 1) view = toGrey();
  if (sigma !== 0) {
    const weights = blurring(size, blurKernel, sigma);
    view = separable(view, size, weights, weights);
  }
  return solarize ? view.map((colour) => colour.map((x) => (x >= 0.5 ? 1 - x : x)) as Colour) : view;
}

function makeViews(
  words: Values,
  parameters: Values,
  count: number,
  options: AugmentOptions,
  operations: Values = new Float64Array(),
): Values[] {
  const rows = Array.from({ length: parameters.length / 16 }, (_, i) => parameters.subarray(16 * i, 16 * i + 16));
  const { mean, std } = options;
  const slots = operations.length / rows.length / 4;
  const operationsOf = (view: number) =>
    Array.from({ length: slots }, (_, slot) => operations.subarray(4 * (view * slots + slot)).subarray(0, 4));
  return [
    Float64Array.from(
      rows.flatMap((row, i) =>
        makeView(unpack(words, count, options, row, i % count), row, options, operationsOf(i)).flatMap((colour) => [
          ...colour.map((x, c) => (x - mean[c]) / std[c]),
          0,
        ]),
      ),
    ),
  ];
}

export default {
  gather_images([indices, ...shards], { inputs }) {
    const words = inputs[1].shape[1];
    const all = shards.flatMap((shard) => Array.from(shard));
    const last = all.length / words - 1;
    const images = Array.from(indices, (index) =>
      all.slice(Math.min(index, last) * words, (Math.min(index, last) + 1) * words),
    );
    return [Float64Array.from(images.flat())];
  },
  augment: ([images, parameters, operations], { attrs, inputs }) =>
    makeViews(images, parameters, inputs[0].shape[0], attrs as AugmentOptions, operations),
  preprocess: ([images, parameters], { attrs, inputs }) =>
    makeViews(images, parameters, inputs[0].shape[0], {
      ...(attrs as ResampleOptions),
      antialias: true,
      blurKernel: 1,
    }),
} satisfies Definitions;
