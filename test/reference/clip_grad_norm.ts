import type { ClipAttrs } from '../../src/ops/clip_grad_norm.ts';
import type { Definitions, Values } from './interpreter.ts';

/** Elements of a parameter, by the tables: whole blocks, whose padding is zero. */
function rangesOf(chunks: Values, parameters: Values): [start: number, end: number][] {
  return Array.from({ length: parameters.length / 4 }, (_, p) => {
    const [first, count] = parameters.subarray(4 * p);
    const last = first + count - 1;
    return [4 * chunks[4 * first], 4 * (chunks[4 * last] + chunks[4 * last + 1])];
  });
}

export default {
  clip_grad_norm([gradients, chunks, parameters, [unscale]], { attrs }) {
    const { maxNorm, per } = attrs as ClipAttrs;
    const ranges = per === 'all' ? [[0, gradients.length]] : rangesOf(chunks, parameters);
    const clipped = gradients.slice();
    for (const [start, end] of ranges) {
      const norm = unscale * Math.sqrt(gradients.subarray(start, end).reduce((sum, g) => sum + g * g, 0));
      const coefficient = Math.min(1, maxNorm / (norm + 1e-6));
      for (let i = start; i < end; i++) clipped[i] *= coefficient;
    }
    return [clipped];
  },
} satisfies Definitions;
