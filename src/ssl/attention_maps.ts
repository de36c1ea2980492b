import { type Data, elements, type Tensor } from '../graph/tensor.ts';
import type { Encoder, EncoderWithMaps } from '../nn/encoder.ts';
import type { Colours } from '../nn/encoder_shape.ts';
import { interpolate } from '../ops/interpolate.ts';
import { mean, sum } from '../ops/reduce.ts';
import { reshape } from '../ops/reshape.ts';
import { slice } from '../ops/strided_copy.ts';
import { square } from '../ops/unary.ts';
import type { PictureFigure } from './method.ts';
import { type Pixels, toPixels } from './pixels.ts';

type Looking = EncoderWithMaps & Pick<Encoder, 'classAttention'>;

/** What is drawn of an encoder, in the words of a title. */
export const attentionKind = ({ classAttention }: Looking): string =>
  classAttention ? 'class token of the last block, by heads' : 'sum of squares over channels';

/**
 * Where an encoder looks. Of a ResNet (Zagoruyko & Komodakis, 2017, arXiv 1612.03928, the map of F²_sum) each stage A(y, x) = Σ_c a_c(y, x)²;
 * of a vision transformer (Caron et al., 2021, fig. 3) what the class token takes from each patch in the last block, the mean over the heads
 * and each head. From the least of a picture to its greatest, bilinearly brought to the size of the picture and laid over it: dark, red,
 * yellow, white. A row for each view of the first group, a column for each stage or head; labels have the size of a map. The encoder is in
 * inference mode.
 *
 * @param encoder whose maps or heads are drawn
 * @param view what its views are
 * @param view.side of a view in pixels
 * @param view.colours how views are normalised
 */
export const attentionMaps = (
  encoder: Looking,
  { side, colours }: { readonly side: number; readonly colours: Colours },
): PictureFigure => ({
  kind: 'pictures',
  name: 'attention',
  record([views]) {
    const maps = encoder.classAttention
      ? mapsOfHeads(encoder.classAttention(views, { training: false }))
      : mapsOfStages(encoder.maps(views, { training: false }));
    const enlarged = maps.map(([label, map]): [string, Tensor] => {
      const [, height, width] = map.shape;
      return [`${label} (${height}×${width})`, interpolate(map, [side, side])];
    });
    return { input: views, ...Object.fromEntries(enlarged) };
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

/** Sums of squares of maps [N, h, w, c]: [N, h, w, 1] each. */
const mapsOfStages = (maps: readonly Tensor[]): [string, Tensor][] =>
  maps.map((map, stage) => [`stage ${stage + 1}`, sum(square(map), 3, { keepdim: true })]);

/** Attention [N, heads, g²]: its mean over the heads and each of them, [N, g, g, 1]. */
function mapsOfHeads(attention: Tensor): [string, Tensor][] {
  const [n, heads, patches] = attention.shape;
  const grid = Math.sqrt(patches);
  const asMap = (values: Tensor) => reshape(values, [n, grid, grid, 1]);
  const each = Array.from({ length: heads }, (_, head): [string, Tensor] => [
    `head ${head + 1}`,
    asMap(slice(attention, 1, head, head + 1)),
  ]);
  return [['heads', asMap(mean(attention, 1))], ...each];
}

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
