import type { Definitions } from './interpreter.ts';

export default {
  refresh_copy([copy, weights]) {
    copy.set(weights);
    return [];
  },
  /** The copy is what the weight rounds to, whenever it was made. */
  f16_weight: ([, weight]) => [weight.slice()],
} satisfies Definitions;
