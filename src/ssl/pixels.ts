/** Pictures for people, from what is computed with. */
import type { Colours } from '../nn/encoder_shape.ts';

/** A square picture: RGB bytes, row by row. */
export interface Pixels {
  readonly side: number;
  readonly rgb: Uint8Array;
}

/** Colours as they are, in 0 … 1. */
export const plainColours: Colours = { mean: [0, 0, 0], std: [1, 1, 1] };

/**
 * Views [count, side, side, channels] as pictures. Of one channel they are grey; of three or more the first three are red, green and blue.
 * @param colours how they are normalised; as they are by default
 */
export function toPixels(
  views: ArrayLike<number>,
  side: number,
  { mean, std }: Colours = plainColours,
  channels = 4,
): Pixels[] {
  const pixels = side * side;
  const byte = (at: number, c: number) => Math.round(255 * Math.min(1, Math.max(0, views[at] * std[c] + mean[c])));
  return Array.from({ length: views.length / (pixels * channels) }, (_, view) => {
    const first = view * pixels * channels;
    const rgb = Uint8Array.from({ length: 3 * pixels }, (_, i) => {
      const c = i % 3;
      return byte(first + Math.floor(i / 3) * channels + (channels < 3 ? 0 : c), c);
    });
    return { side, rgb };
  });
}
