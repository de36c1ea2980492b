import type { Node } from '../../src/graph/tensor.ts';
import type { Definitions, Values } from './interpreter.ts';

interface Window {
  readonly stride: number;
  readonly padding: number;
}

/** Calls `visit` for each pair of an output pixel and a tap of the kernel that lies on the image, with the first index of each. */
function windows(
  [n, height, width, channels]: readonly number[],
  [out, kh, kw]: readonly number[],
  { stride, padding }: Window,
  visit: (y: number, x: number, w: number) => void,
): void {
  const outHeight = Math.floor((height + 2 * padding - kh) / stride) + 1;
  const outWidth = Math.floor((width + 2 * padding - kw) / stride) + 1;
  for (let pixel = 0; pixel < n * outHeight * outWidth; pixel++) {
    const ox = pixel % outWidth;
    const oy = Math.floor(pixel / outWidth) % outHeight;
    const image = Math.floor(pixel / (outWidth * outHeight));
    for (let tap = 0; tap < kh * kw; tap++) {
      const iy = oy * stride - padding + Math.floor(tap / kw);
      const ix = ox * stride - padding + (tap % kw);
      if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
      visit(pixel * out, ((image * height + iy) * width + ix) * channels, tap * channels);
    }
  }
}

/** Σ_c a[i + c] · b[j + c] */
function dot(a: Values, i: number, b: Values, j: number, channels: number): number {
  let sum = 0;
  for (let c = 0; c < channels; c++) sum += a[i + c] * b[j + c];
  return sum;
}

/** y[i + c] += factor · x[j + c] */
function addScaled(y: Values, i: number, factor: number, x: Values, j: number, channels: number): void {
  for (let c = 0; c < channels; c++) y[i + c] += factor * x[j + c];
}

const zeros = (node: Node) => new Float64Array(node.outputs[0].size);

export default {
  conv2d([x, w], node) {
    const y = zeros(node);
    const [, { shape }] = node.inputs;
    const [out, kh, kw, channels] = shape;
    windows(node.inputs[0].shape, shape, node.attrs, (iy, ix, iw) => {
      for (let o = 0; o < out; o++) y[iy + o] += dot(x, ix, w, o * kh * kw * channels + iw, channels);
    });
    return [y];
  },
  conv2d_backward_input([dy, w], node) {
    const dx = zeros(node);
    const [, { shape }] = node.inputs;
    const [out, kh, kw, channels] = shape;
    windows(node.attrs.inputShape, shape, node.attrs, (iy, ix, iw) => {
      for (let o = 0; o < out; o++) addScaled(dx, ix, dy[iy + o], w, o * kh * kw * channels + iw, channels);
    });
    return [dx];
  },
  conv2d_backward_weight([dy, x], node) {
    const dw = zeros(node);
    const shape: readonly number[] = node.attrs.weightShape;
    const [out, kh, kw, channels] = shape;
    windows(node.inputs[1].shape, shape, node.attrs, (iy, ix, iw) => {
      for (let o = 0; o < out; o++) addScaled(dw, o * kh * kw * channels + iw, dy[iy + o], x, ix, channels);
    });
    return [dw];
  },
} satisfies Definitions;
