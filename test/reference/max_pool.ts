import type { Node, Shape } from '../../src/graph/tensor.ts';
import type { Definitions, Values } from './interpreter.ts';

type Window = { kernel: number; stride: number; padding: number };

/** Every output with the positions of its window that lie inside the map, in row-major order. */
function* windows([, height, width]: Shape, [n, rows, columns, channels]: Shape, { kernel, stride, padding }: Window) {
  for (let i = 0; i < n * rows * columns * channels; i++) {
    const channel = i % channels;
    const column = Math.floor(i / channels) % columns;
    const row = Math.floor(i / channels / columns) % rows;
    const image = Math.floor(i / channels / columns / rows);
    const positions: number[] = [];
    for (let r = row * stride - padding; r < row * stride - padding + kernel; r++) {
      for (let c = column * stride - padding; c < column * stride - padding + kernel; c++) {
        if (r >= 0 && r < height && c >= 0 && c < width) positions.push(r * width + c);
      }
    }
    yield { i, positions, at: (position: number) => (image * height * width + position) * channels + channel };
  }
}

function maxPool([x]: readonly Values[], { inputs, outputs, attrs }: Node): Values[] {
  const y = new Float64Array(outputs[0].size);
  const argmax = new Float64Array(outputs[0].size);
  for (const { i, positions, at } of windows(inputs[0].shape, outputs[0].shape, attrs)) {
    argmax[i] = positions.reduce((best, position) => {
      const value = x[at(position)];
      return value > x[at(best)] || Number.isNaN(value) ? position : best;
    });
    y[i] = x[at(argmax[i])];
  }
  return [y, argmax];
}

export default {
  max_pool: maxPool,
  max_pool_backward([dy, argmax], { inputs, outputs, attrs }) {
    const dx = new Float64Array(outputs[0].size);
    for (const { i, at } of windows(outputs[0].shape, inputs[0].shape, attrs)) dx[at(argmax[i])] += dy[i];
    return [dx];
  },
} satisfies Definitions;
