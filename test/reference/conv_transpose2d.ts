import type { Definitions } from './interpreter.ts';

export default {
  conv_transpose2d([x, w], { inputs: [{ shape }, { shape: ofW }], outputs: [y], attrs: { stride, padding } }) {
    const [n, height, width, channels] = shape;
    const [, kh, kw] = ofW;
    const [, outHeight, outWidth, out] = y.shape;
    const result = new Float64Array(y.size);
    // Every pixel of x adds its kernel, scaled, to a window of y.
    for (let pixel = 0; pixel < n * height * width; pixel++) {
      const [ix, iy] = [pixel % width, Math.floor(pixel / width) % height];
      const image = Math.floor(pixel / (width * height));
      for (let tap = 0; tap < kh * kw; tap++) {
        const oy = iy * stride - padding + Math.floor(tap / kw);
        const ox = ix * stride - padding + (tap % kw);
        if (oy < 0 || oy >= outHeight || ox < 0 || ox >= outWidth) continue;
        const to = ((image * outHeight + oy) * outWidth + ox) * out;
        for (let i = 0; i < channels; i++) {
          for (let o = 0; o < out; o++) {
            result[to + o] += x[pixel * channels + i] * w[(i * kh * kw + tap) * out + o];
          }
        }
      }
    }
    return [result];
  },
} satisfies Definitions;
