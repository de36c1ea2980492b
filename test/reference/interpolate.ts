import type { Definitions } from './interpreter.ts';

/**
 * Calls `visit` for each pixel of an output and each pixel that it reads, with its weight; `from` and `to` are [N, H,
 * W, C].
 */
function taps(from: readonly number[], to: readonly number[], visit: (y: number, x: number, weight: number) => void) {
  const [n, height, width, channels] = from;
  const [, outHeight, outWidth] = to;
  const along = (output: number, inputs: number, outputs: number) => {
    const source = Math.max(((output + 0.5) * inputs) / outputs - 0.5, 0);
    const low = Math.floor(source);
    return [
      [low, 1 - source + low],
      [Math.min(low + 1, inputs - 1), source - low],
    ];
  };
  for (let pixel = 0; pixel < n * outHeight * outWidth; pixel++) {
    const image = Math.floor(pixel / (outHeight * outWidth));
    for (const [row, down] of along(Math.floor(pixel / outWidth) % outHeight, height, outHeight)) {
      for (const [column, across] of along(pixel % outWidth, width, outWidth)) {
        visit(pixel * channels, ((image * height + row) * width + column) * channels, down * across);
      }
    }
  }
}

export default {
  interpolate([x], { inputs: [{ shape }], outputs: [output] }) {
    const y = new Float64Array(output.size);
    taps(shape, output.shape, (to, from, weight) => {
      for (let c = 0; c < shape[3]; c++) y[to + c] += weight * x[from + c];
    });
    return [y];
  },
  interpolate_backward([dy], { inputs: [{ shape }], outputs: [output] }) {
    const dx = new Float64Array(output.size);
    taps(output.shape, shape, (from, to, weight) => {
      for (let c = 0; c < shape[3]; c++) dx[to + c] += weight * dy[from + c];
    });
    return [dx];
  },
} satisfies Definitions;
