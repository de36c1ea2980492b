import type { Definitions } from './interpreter.ts';

export default {
  relu: ([x]) => [x.map((value) => Math.max(value, 0))],
  relu_backward: ([dy, y]) => [dy.map((value, i) => (y[i] > 0 ? value : 0))],
} satisfies Definitions;
