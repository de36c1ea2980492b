import type { Definitions } from './interpreter.ts';
import { mixCounter, uniform01 } from './random.ts';

export default {
  gaussian_noise([seeds], { attrs: { salt }, outputs: [y] }) {
    const key = [...seeds].reduce(mixCounter, mixCounter(0, salt));
    const element = (_: unknown, i: number) =>
      Math.sqrt(-2 * Math.log(1 - uniform01(key, 2 * i))) * Math.cos(2 * Math.PI * (uniform01(key, 2 * i + 1) - 0.5));
    return [Float64Array.from({ length: y.size }, element)];
  },
} satisfies Definitions;
