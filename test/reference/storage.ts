import { flatLayout } from '../../src/graph/trace.ts';
import type { Definitions } from './interpreter.ts';

export default {
  reshape: ([x]) => [x.slice()],
  detach: ([x]) => [x.slice()],
  flatten(inputs, { inputs: tensors }) {
    const { offsets, length } = flatLayout(tensors);
    const whole = new Float64Array(length);
    for (const [index, value] of inputs.entries()) whole.set(value, offsets[index]);
    return [whole];
  },
} satisfies Definitions;
