/**
 * Resizing pictures. Shrunk they are as `data/decode.ts` has libvips make them, by Lanczos-3, widened; enlarged by bicubic interpolation,
 * with which libvips' lie a fraction of a pixel elsewhere.
 */

/** A filter: weights by the distance from a pixel, none beyond `reach`. */
interface Filter {
  readonly reach: number;
  readonly weight: (distance: number) => number;
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
const lanczos: Filter = { reach: 3, weight: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) };

/** Catmull-Rom. */
const bicubic: Filter = {
  reach: 2,
  weight(x) {
    const t = Math.abs(x);
    if (t < 1) return 1.5 * t ** 3 - 2.5 * t ** 2 + 1;
    return t < 2 ? -0.5 * t ** 3 + 2.5 * t ** 2 - 4 * t + 2 : 0;
  },
};

/** What a pixel of the result is made of: from the first pixel on, one weight each, which add up to 1. */
interface Taps {
  readonly first: number;
  readonly weights: Float64Array;
}

/** The taps of each of `to` pixels in a row of `from`; beyond its ends the outermost pixels go on. */
function tapsOf(from: number, to: number): Taps[] {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const { reach, weight } = from > to ? lanczos : bicubic;
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale - 0.5;
    const [low, high] = [Math.ceil(centre - reach * stretch), Math.floor(centre + reach * stretch)];
    const [first, last] = [Math.max(0, low), Math.min(from - 1, high)];
    const weights = new Float64Array(last - first + 1);
    for (let x = low; x <= high; x++)
      weights[Math.min(last, Math.max(first, x)) - first] += weight((x - centre) / stretch);
    const sum = weights.reduce((all, value) => all + value, 0);
    return { first, weights: weights.map((value) => value / sum) };
  });
}

/**
 * A square picture at another size.
 * @param rgba [from, from, 4] bytes; what is transparent has been laid over something before
 * @returns RGB bytes [to, to, 3]; the very same colours where the size stays
 */
export function resizeSquare(rgba: Uint8ClampedArray, from: number, to: number): Uint8Array {
  const rgb = new Uint8Array(to * to * 3);
  if (from === to) {
    for (let i = 0; i < rgb.length; i++) rgb[i] = rgba[4 * Math.floor(i / 3) + (i % 3)];
    return rgb;
  }
  const taps = tapsOf(from, to);
  // Down each column first, into rows of the result; then along these.
  const tall = new Float64Array(to * from * 3);
  taps.forEach(({ first, weights }, y) => {
    weights.forEach((weight, t) => {
      const row = (first + t) * from * 4;
      for (let x = 0; x < from; x++)
        for (let c = 0; c < 3; c++) tall[(y * from + x) * 3 + c] += weight * rgba[row + 4 * x + c];
    });
  });
  for (let y = 0; y < to; y++)
    taps.forEach(({ first, weights }, x) => {
      for (let c = 0; c < 3; c++) {
        const sum = weights.reduce((all, weight, t) => all + weight * tall[(y * from + first + t) * 3 + c], 0);
        rgb[(y * to + x) * 3 + c] = Math.min(255, Math.max(0, Math.round(sum)));
      }
    });
  return rgb;
}
