import type { Definitions } from './interpreter.ts';

export default {
  step_made: ([[before], [firstBad], [gate]]) => [
    Float64Array.of(before !== 0 && firstBad === 0 && gate !== 0 ? 1 : 0),
  ],
} satisfies Definitions;
