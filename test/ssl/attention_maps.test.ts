import { expect, it } from 'vitest';
import type { Tensor } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { attentionMaps } from '../../src/ssl/attention_maps.ts';
import { StepFeeds } from '../../src/ssl/feeds.ts';
import { plainColours } from '../../src/ssl/pixels.ts';
import { interpret } from '../reference/interpreter.ts';

const side = 2;
/** Two grey pictures, of 0.2 and 0.6. */
const views = Float32Array.from({ length: 2 * side * side * 4 }, (_, i) => (i % 4 === 3 ? 0 : i < 16 ? 0.2 : 0.6));
/** A map as fine as the pictures: the signs of channels do not count, a picture's greatest is its own. */
const fine = [
  ...[
    [0, 0],
    [1, 0],
    [-1, 1],
    [0, 3 ** 0.5],
  ].flat(), // sums of squares 0, 1, 2, 3
  ...[
    [5, 0],
    [5, 0],
    [3, 4],
    [0, -5],
  ].flat(), // everywhere 25
];
/** One place each. */
const coarse = [1, 7];

const [black, red, yellow, white] = [
  [0, 0, 0],
  [255, 0, 0],
  [255, 255, 0],
  [255, 255, 255],
];
const grey = (value: number, heat: readonly number[]) => heat.map((byte) => (value + byte) / 2);

function expectBytes(rgb: Uint8Array, expected: readonly number[]): void {
  expect(rgb).toHaveLength(expected.length);
  for (const [i, byte] of expected.entries()) expect(Math.abs(rgb[i] - byte), `byte ${i}`).toBeLessThan(1);
}

/** The columns of an encoder's figure. */
function columnsOf(encoder: Parameters<typeof attentionMaps>[0]) {
  const figure = attentionMaps(encoder, { side, colours: plainColours });
  const { graph, result } = trace(() =>
    figure.record([constant('views', views, [2, side, side, 4])], new StepFeeds(2)),
  );
  const values = interpret(graph);
  const maps = Object.entries(result).flatMap(([name, tensor]) => {
    const found = values.get(tensor);
    return found ? [[name, Float32Array.from(found)]] : []; // views are recorded as they are
  });
  return figure.columns({ ...Object.fromEntries(maps), input: views });
}

it('sums squares over channels, from a picture’s least to its greatest, over the picture in grey', () => {
  const encoder = {
    maps: () => [
      constant('fine', Float32Array.from(fine), [2, 2, 2, 2]),
      constant('coarse', Float32Array.from(coarse), [2, 1, 1, 1]),
    ],
  };
  const [input, first, second] = columnsOf(encoder);
  expect([input, first, second].map(({ label }) => label)).toEqual(['input', 'stage 1 (2×2)', 'stage 2 (1×1)']);
  expect(input.pictures.map(({ rgb }) => [...new Set(rgb)])).toEqual([[51], [153]]);
  expectBytes(
    first.pictures[0].rgb,
    [black, red, yellow, white].flatMap((heat) => grey(51, heat)),
  );
  // What is the same everywhere says nothing: of the second picture, and of maps of one place.
  const flat = (value: number) => Array.from({ length: 4 }, () => grey(value, black)).flat();
  expectBytes(first.pictures[1].rgb, flat(153));
  expectBytes(second.pictures[0].rgb, flat(51));
  expectBytes(second.pictures[1].rgb, flat(153));
});

it('a map that is the same but for rounding says nothing', () => {
  const figure = attentionMaps({ maps: () => [] }, { side, colours: plainColours });
  const rounded = Float32Array.from({ length: 2 * side * side }, (_, i) => 3 + (i % 2) * 2 ** -20);
  const [input, map] = figure.columns({ input: views, rounded });
  const [grey] = input.pictures[0].rgb;
  const bytes = [...new Set(map.pictures[0].rgb)];
  expect([bytes.length, Math.abs(bytes[0] - grey / 2) <= 0.5]).toEqual([1, true]);
});

it('of a vision transformer draws what the class token takes from each patch, the mean of its heads and each', () => {
  // Of two heads, for the first picture and the second; the row of patches is that of the picture's pixels.
  const attention = [...[0, 0.1, 0.2, 0.3], ...[0.3, 0.2, 0.1, 0], ...[0, 0, 0.6, 0.3], ...[0.1, 0.1, 0.1, 0.1]];
  const columns = columnsOf({
    maps: (): readonly Tensor[] => {
      throw new Error('the maps of stages are not asked for');
    },
    classAttention: () => constant('attention', Float32Array.from(attention), [2, 2, 4]),
  });
  expect(columns.map(({ label }) => label)).toEqual(['input', 'heads (2×2)', 'head 1 (2×2)', 'head 2 (2×2)']);
  const [, heads, first, second] = columns.map(({ pictures }) => pictures.map(({ rgb }) => rgb));
  expectBytes(
    first[0],
    [black, red, yellow, white].flatMap((heat) => grey(51, heat)),
  );
  expectBytes(
    second[0],
    [white, yellow, red, black].flatMap((heat) => grey(51, heat)),
  );
  // The heads of the first picture add up to the same everywhere; of the second picture one of them looks everywhere alike.
  const flat = (value: number) => Array.from({ length: 4 }, () => grey(value, black)).flat();
  expectBytes(heads[0], flat(51));
  expectBytes(second[1], flat(153));
  expectBytes(heads[1], first[1] as unknown as number[]);
});
