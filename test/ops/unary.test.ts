import { expect, it } from 'vitest';
import type { Shape, Tensor } from '../../src/graph/tensor.ts';
import { constant, input, trace } from '../../src/graph/trace.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { abs, exp, gelu, leakyRelu, log, neg, sigmoid, softplus, sqrt, square, tanh } from '../../src/ops/unary.ts';
import { type Case, sample, testCases, testGradient } from './harness.ts';

interface Function {
  readonly f: (x: Tensor) => Tensor;
  /** Values that it is tried on: away from where it has no gradient, and far enough for its tails. */
  readonly scale: number;
  readonly offset?: number;
}

const functions: Record<string, Function> = {
  exp: { f: exp, scale: 4 },
  log: { f: log, scale: 2, offset: 2.1 },
  sqrt: { f: sqrt, scale: 2, offset: 2.1 },
  abs: { f: abs, scale: 3 },
  square: { f: square, scale: 3 },
  neg: { f: neg, scale: 3 },
  gelu: { f: gelu, scale: 7 },
  sigmoid: { f: sigmoid, scale: 12 },
  tanh: { f: tanh, scale: 6 },
  leaky_relu: { f: (x) => leakyRelu(x, 0.2), scale: 3 },
  softplus: { f: softplus, scale: 30 },
};

const unaryCase = (name: string, shape: Shape, dtype: 'f32' | 'f16'): Case => ({
  name: `${name} and its gradient, ${dtype} [${shape}]`,
  ...(dtype === 'f16' && { feature: 'shader-f16' }),
  build() {
    const { f, scale, offset = 0 } = functions[name];
    // One value is compared with itself alone: it is taken from where no digits cancel.
    const x = sample('x', shape, { scale: Math.min(...shape) > 1 ? scale : 0.5, offset, dtype });
    const y = f(x);
    const [dx] = gradients(y, [x], sample('dy', shape, { dtype }));
    return { y, dx };
  },
  // Saved in f16, y is off by half a unit in its last place, of which 1 − y² and y (1 − y) are the same share.
  ...(dtype === 'f32' && { tolerance: 1e-6 }),
});

const names = Object.keys(functions);
testCases([
  ...names.flatMap((name) => [[1], [65], [1031]].map((shape) => unaryCase(name, shape, 'f32'))),
  ...names.flatMap((name) => [[1], [5, 13]].map((shape) => unaryCase(name, shape, 'f16'))),
  // More than 65,535 workgroups, which are folded into two dimensions.
  unaryCase('tanh', [65535 * 64 + 65], 'f32'),
]);

/** Arguments that overflow, or lose all their digits, where a formula is put down as it stands in a book. */
const extremes = [-1e30, -1e4, -100, -20, -1e-3, -1e-20, 0, 1e-20, 1e-3, 20, 88, 100, 1e4, 1e30];

testCases(
  ['gelu', 'sigmoid', 'tanh', 'softplus'].flatMap((name) => [
    ...extremes.map(
      (value): Case => ({
        name: `${name} of ${value}`,
        build: () => ({ y: functions[name].f(constant('x', Float32Array.of(value))) }),
        // Of the value itself, for there is one. The exponential of −20 may be off by some 40 units in the last place.
        tolerance: 4e-6,
      }),
    ),
    {
      name: `gradient of ${name} at extremes`,
      build() {
        const x = constant('x', Float32Array.from(extremes));
        return { dx: gradients(functions[name].f(x), [x], sample('dy', [extremes.length]))[0] };
      },
      tolerance: 1e-6,
    },
  ]),
);

for (const [name, { f, scale, offset }] of Object.entries(functions)) {
  testGradient(name, () => {
    const x = sample('x', [23], { scale: Math.min(scale, 3), offset: offset ?? 0, seed: 5 });
    const y = f(x);
    const dy = sample('dy', [23]);
    return { y, dy, targets: [x], dx: gradients(y, [x], dy) };
  });
}

it('functions of one tensor refuse integers', () => {
  expect(() => trace(() => exp(input('x', [3], 'u32')))).toThrow('[exp] the input must be f32 or f16; got x u32[3]');
});
