import type { Definitions } from './interpreter.ts';

/** Which of [N, C] an element of [N, pixels, C] belongs to. */
const owner = (i: number, pixels: number, channels: number): number =>
  Math.floor(i / (pixels * channels)) * channels + (i % channels);

export default {
  global_avg_pool([x], { inputs: [{ shape }] }) {
    const [n, height, width, channels] = shape;
    const y = new Float64Array(n * channels);
    for (const [i, value] of x.entries()) y[owner(i, height * width, channels)] += value / (height * width);
    return [y];
  },
  global_avg_pool_backward([dy], { outputs: [{ shape, size }] }) {
    const [, height, width, channels] = shape;
    const pixels = height * width;
    return [Float64Array.from({ length: size }, (_, i) => dy[owner(i, pixels, channels)] / pixels)];
  },
} satisfies Definitions;
