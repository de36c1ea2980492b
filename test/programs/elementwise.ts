import type { Tensor } from '../../src/graph/tensor.ts';
import { input } from '../../src/graph/trace.ts';
import { add } from '../../src/ops/add.ts';
import { amax } from '../../src/ops/amax.ts';
import { div, maximum, minimum, mul, sub } from '../../src/ops/binary.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { patchify, rot90, upsampleNearest } from '../../src/ops/rearrange.ts';
import { mean, sum } from '../../src/ops/reduce.ts';
import { concat, flip, pad, permute, slice } from '../../src/ops/strided_copy.ts';
import { abs, exp, gelu, leakyRelu, log, neg, sigmoid, softplus, sqrt, square, tanh } from '../../src/ops/unary.ts';
import { type Traced, traced } from '../programs.ts';

/** Each function of the inputs, and the gradients of its value. */
const all = <T extends Tensor[]>(
  functions: Readonly<Record<string, (...inputs: T) => Tensor>>,
  make: () => T,
): Traced =>
  traced(() => {
    const inputs = make();
    const outputs = Object.entries(functions).flatMap(([name, f]) => {
      const y = f(...inputs);
      const dx = gradients(y, inputs, input(`dy of ${name}`, y.shape, y.dtype));
      return [y, ...dx].map((tensor, i) => [`${name} ${i}`, tensor] as const);
    });
    return Object.fromEntries(outputs);
  });

type Type = 'f32' | 'f16';

const unary = (dtype: Type) =>
  all(
    { exp, log, sqrt, abs, square, neg, gelu, sigmoid, tanh, leakyRelu: (x) => leakyRelu(x), softplus },
    (): [Tensor] => [input('x', [5, 13], dtype)],
  );

/** Inputs that broadcast so that as many axes are told apart as there are in a and b. */
const binary = (a: readonly number[], b: readonly number[], dtype: Type) =>
  all({ add, sub, mul, div, minimum, maximum }, (): [Tensor, Tensor] => [input('a', a, dtype), input('b', b, dtype)]);

const reductions = (dtype: Type) =>
  all({ sum: (x) => sum(x, 1), mean: (x) => mean(x), amax: (x) => amax(x, -1) }, (): [Tensor] => [
    input('x', [3, 70, 5], dtype),
  ]);

const copies = (dtype: Type) =>
  all(
    {
      permute: (x) => permute(x, [3, 1, 2, 0]),
      slice: (x) => slice(x, 1, 1, 5, 2),
      pad: (x) => pad(x, Array(4).fill([1, 2])),
      concat: (x) => concat([x, flip(x, [3])], 2),
      rot90: (x) => rot90(x),
      patchify: (x) => patchify(x, 2),
      upsample: (x) => upsampleNearest(x, 2),
    },
    (): [Tensor] => [input('x', [2, 6, 6, 3], dtype)],
  );

const ofBothTypes = (name: string, make: (dtype: Type) => Traced) => ({
  [`family elementwise, ${name}`]: () => make('f32'),
  [`family elementwise, ${name}, f16`]: () => make('f16'),
});

export default {
  ...ofBothTypes('functions of one tensor', unary),
  ...ofBothTypes('functions of two tensors', (dtype) => binary([5, 13], [5, 13], dtype)),
  ...ofBothTypes('functions of two tensors, repeated', (dtype) => binary([2, 1, 5, 1], [3, 1, 7], dtype)),
  ...ofBothTypes('reductions', reductions),
  ...ofBothTypes('copies', copies),
  'family elementwise, a copy of six axes': () =>
    all({ permute: (x) => permute(x, [5, 3, 1, 4, 2, 0]) }, (): [Tensor] => [input('x', [2, 3, 2, 5, 3, 2], 'f32')]),
};
