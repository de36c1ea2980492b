import { type Data, elements, type Tensor } from '../graph/tensor.ts';
import type { EncoderWithMaps } from '../nn/encoder.ts';
import type { Colours } from '../nn/encoder_shape.ts';
import { interpolate } from '../ops/interpolate.ts';
import { sum } from '../ops/reduce.ts';
import { square } from '../ops/unary.ts';
import type { PictureFigure } from './method.ts';
import { type Pixels, toPixels } from './pixels.ts';

/**
 * Where an encoder looks (Zagoruyko & Komodakis, 2017, arXiv 1612.03928, the map of F²_sum): of each stage A(y, x) = Σ_c a_c(y, x)², from
 * the least of a picture to its greatest, bilinearly brought to the size of the picture and laid over it: dark, red, yellow, white. A row
 * for each view of the first group, a column for each stage, whose label has the size of its map. The encoder is in inference mode.
 *
 * @param side of a view in pixels
 * @param colours how views are normalised
 */
export const attentionMaps = (
  encoder: EncoderWithMaps,
  { side, colours }: { readonly side: number; readonly colours: Colours },
): PictureFigure => ({
  kind: 'pictures',
  name: 'attention',
  record([views]) {
    const maps = encoder.maps(views, { training: false }).map((map, stage): [string, Tensor] => {
      const [, height, width] = map.shape;
      return [
        `stage ${stage + 1} (${height}×${width})`,
        interpolate(sum(square(map), 3, { keepdim: true }), [side, side]),
      ];
    });
    return { input: views, ...Object.fromEntries(maps) };
  },
  columns({ input, ...maps }) {
    const pictures = toPixels(input, side, colours);
    const pixels = elements([side, side]);
    const shown = (values: Data) =>
      pictures.map((picture, i) => overlay(picture, values.subarray(i * pixels, (i + 1) * pixels)));
    return [
      { label: 'input', pictures },
      ...Object.entries(maps).map(([label, values]) => ({ label, pictures: shown(values) })),
    ];
  },
});

/** A picture in grey under its attention, one value a pixel: half of the one and half of the other. */
function overlay({ side, rgb }: Pixels, values: ArrayLike<number>): Pixels {
  const all = Array.from(values);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  // A map of one place is the same everywhere but for what interpolation rounds.
  const range = most - least > 1e-5 * Math.abs(most) ? most - least : 0;
  const mixed = all.flatMap((value, i) => {
    const grey = 0.299 * rgb[3 * i] + 0.587 * rgb[3 * i + 1] + 0.114 * rgb[3 * i + 2];
    return heat(range > 0 ? (value - least) / range : 0).map((byte) => Math.round((grey + byte) / 2));
  });
  return { side, rgb: Uint8Array.from(mixed) };
}

/** Black, red, yellow, white for 0, ⅓, ⅔, 1. */
const heat = (value: number): number[] => [0, 1, 2].map((c) => 255 * Math.min(1, Math.max(0, 3 * value - c)));
