import type { Definitions } from './interpreter.ts';

export default {
  add_inplace([total, x, [position]]) {
    x.forEach((value, i) => (total[i] = position === 0 ? value : total[i] + value));
    return [];
  },
} satisfies Definitions;
