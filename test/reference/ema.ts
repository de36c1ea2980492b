import type { Definitions } from './interpreter.ts';

export default {
  ema([target, source, [rate], [made], copy], { attrs: { first } }) {
    for (let i = 0; i < target.length && made !== 0; i++) target[i] += rate * (source[first + i] - target[i]);
    if (made !== 0) copy?.set(target);
    return [];
  },
} satisfies Definitions;
