import { expect, it } from 'vitest';
import type { Shape, Tensor } from '../../src/graph/tensor.ts';
import { constant, input, trace } from '../../src/graph/trace.ts';
import { add } from '../../src/ops/add.ts';
import { div, eq, maximum, minimum, mul, sub } from '../../src/ops/binary.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { neg } from '../../src/ops/unary.ts';
import { type Case, sample, testCases, testGradient } from './harness.ts';

const functions = { add, sub, mul, div, minimum, maximum };
const names = Object.keys(functions) as (keyof typeof functions)[];

/** Of one shape, of one element, and repeated along the first, the last, inner and outer axes, of one and of both inputs. */
const pairs: readonly (readonly [a: Shape, b: Shape])[] = [
  [[1], [1]],
  [[67], [67]],
  [[5, 13], [1]],
  [[5, 13], [13]],
  [
    [5, 13],
    [5, 1],
  ],
  [[3], [7, 1]],
  [
    [2, 1, 5, 1],
    [3, 1, 7],
  ],
  [
    [2, 3, 1, 5, 7],
    [1, 1, 4, 5, 7],
  ],
];

const binaryCase = (name: keyof typeof functions, [a, b]: (typeof pairs)[number], dtype: 'f32' | 'f16'): Case => ({
  name: `${name} of [${a}] and [${b}] and its gradients, ${dtype}`,
  ...(dtype === 'f16' && { feature: 'shader-f16' }),
  build() {
    const left = sample('a', a, { dtype });
    const right = sample('b', b, { dtype, ...(name === 'div' && { offset: 2.5 }) });
    const y = functions[name](left, right);
    // Computed, as the gradient of a sum is this very tensor.
    const dy = neg(sample('dy', y.shape, { dtype }));
    const [da, db] = gradients(y, [left, right], dy);
    return { y, da, db };
  },
  // Sums of f16 are of values that were rounded, the quotients' gradients twice or three times, each by half a unit in the last place.
  tolerance: dtype === 'f32' ? 3e-6 : 2 ** -9,
});

testCases([
  ...names.flatMap((name) => pairs.map((shapes) => binaryCase(name, shapes, 'f32'))),
  ...names.flatMap((name) => pairs.slice(1, 7).map((shapes) => binaryCase(name, shapes, 'f16'))),
  {
    name: 'numbers on either side',
    build() {
      const x = sample('x', [3, 5], { offset: 2 });
      const y = add(sub(1, mul(x, 2)), div(3, maximum(minimum(x, 1.9), 1.2)));
      return { y, dx: gradients(y, [x], sample('dy', [3, 5]))[0] };
    },
  },
  {
    name: 'numbers that f16 rounds',
    feature: 'shader-f16',
    build: () => ({ y: mul(sample('x', [5], { dtype: 'f16' }), 0.1) }),
  },
  {
    name: 'equal elements share the gradient of the larger and of the smaller',
    build() {
      const a = constant('a', Float32Array.of(1, 2, 3));
      const b = constant('b', Float32Array.of(2, 2, 2));
      const dy = constant('dy', Float32Array.of(1, 1, 1));
      const [larger, smaller] = [maximum(a, b), minimum(a, b)];
      const [up, down] = [gradients(larger, [a, b], dy), gradients(smaller, [a, b], dy)];
      return { larger, smaller, same: eq(a, b), up0: up[0], up1: up[1], down0: down[0], down1: down[1] };
    },
    tolerance: 0,
  },
  {
    name: 'the product of a tensor with itself',
    build() {
      const x = sample('x', [65]);
      const y = mul(x, x);
      return { y, dx: gradients(y, [x], sample('dy', [65]))[0] };
    },
  },
]);

for (const name of names) {
  testGradient(`${name}, repeated along two axes`, () => {
    const a = sample('a', [2, 1, 3], { seed: 3 });
    const b = sample('b', [4, 1], { seed: 4, ...(name === 'div' && { offset: 2 }) });
    const y = functions[name](a, b);
    const dy = sample('dy', y.shape);
    return { y, dy, targets: [a, b], dx: gradients(y, [a, b], dy) };
  });
}

testGradient('a gradient of a product, differentiated again', () => {
  const a = sample('a', [2, 3]);
  const b = sample('b', [3]);
  const [y] = gradients(mul(mul(a, a), b), [b], sample('seed', [2, 3]));
  const dy = sample('dy', [3]);
  return { y, dy, targets: [a], dx: gradients(y, [a], dy) };
});

const refused = (build: () => Tensor) => expect(() => trace(build));

it('functions of two tensors refuse shapes that do not broadcast, and two types', () => {
  const a = input('a', [2, 3], 'f32');
  refused(() => mul(a, input('b', [2], 'f32'))).toThrow(
    '[mul] the shapes must broadcast; got a f32[2, 3] and b f32[2]',
  );
  refused(() => add(a, input('b', [3, 2], 'f32'))).toThrow('[add] both inputs must have one shape');
  refused(() => sub(a, input('b', [3], 'f16'))).toThrow('[sub] both inputs must be f32, or both f16');
  refused(() => eq(input('i', [2], 'u32'), input('j', [2], 'u32'))).toThrow('[eq] both inputs must be f32');
});
