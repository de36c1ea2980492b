import type { Node } from '../../src/graph/tensor.ts';
import type { Definitions } from './interpreter.ts';

/** Calls `visit(y, x, w)` with the flat indices of each product of a convolution. */
function products(
  [n, height, width, channels]: readonly number[],
  [out, kh, kw]: readonly number[],
  { stride, padding }: { stride: number; padding: number },
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
      const x = ((image * height + iy) * width + ix) * channels;
      for (let o = 0; o < out; o++) {
        const w = (o * kh * kw + tap) * channels;
        for (let c = 0; c < channels; c++) visit(pixel * out + o, x + c, w + c);
      }
    }
  }
}

const zeros = (node: Node) => new Float64Array(node.outputs[0].size);

export default {
  conv2d([x, w], node) {
    const y = zeros(node);
    products(node.inputs[0].shape, node.inputs[1].shape, node.attrs, (iy, ix, iw) => {
      y[iy] += x[ix] * w[iw];
    });
    return [y];
  },
  conv2d_backward_input([dy, w], node) {
    const dx = zeros(node);
    products(node.attrs.inputShape, node.inputs[1].shape, node.attrs, (iy, ix, iw) => {
      dx[ix] += dy[iy] * w[iw];
    });
    return [dx];
  },
  conv2d_backward_weight([dy, x], node) {
    const dw = zeros(node);
    products(node.inputs[1].shape, node.attrs.weightShape, node.attrs, (iy, ix, iw) => {
      dw[iw] += dy[iy] * x[ix];
    });
    return [dw];
  },
} satisfies Definitions;
