import type { Definitions } from './interpreter.ts';
import { mixCounter, uniform01 } from './random.ts';

export default {
  dropout([x, seeds], { attrs: { p, salt } }) {
    const key = [...seeds].reduce(mixCounter, mixCounter(0, salt));
    return [x.map((value, i) => (uniform01(key, i) >= Math.fround(p) ? value / (1 - p) : 0))];
  },
} satisfies Definitions;
