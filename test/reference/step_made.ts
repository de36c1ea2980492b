import type { Definitions } from './interpreter.ts';

export default {
  step_made: ([[before], [firstNonFinite], [scalerStep]]) => [
    Float64Array.of(before !== 0 && firstNonFinite === 0 && scalerStep !== 0 ? 1 : 0),
  ],
} satisfies Definitions;
