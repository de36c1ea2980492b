import { expect, it } from 'vitest';
import { trace } from '../../src/graph/trace.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { linear } from '../../src/ops/linear.ts';
import { type Case, sample, testCases, testGradient } from './harness.ts';

function build(m: number, features: number, out: number, withBias = true) {
  const x = sample('x', [m, features]);
  const weight = sample('weight', [out, features]);
  const bias = withBias ? sample('bias', [out]) : undefined;
  return { y: linear(x, weight, bias), targets: bias ? [x, weight, bias] : [x, weight] };
}

const shapes = [
  [1, 1, 1],
  [7, 33, 21],
  [16, 512, 128],
  [129, 64, 10],
  [300, 9, 127],
];

testCases(
  shapes.map(
    ([m, features, out]): Case => ({
      name: `linear [${m}, ${features}] → ${out}`,
      build() {
        const { y, targets } = build(m, features, out);
        const [dx, dweight, dbias] = gradients(y, targets, sample('dy', [m, out]));
        return { y, dx, dweight, dbias };
      },
      // 4 ε √K of the longest sum
      tolerance: 4 * 2 ** -23 * Math.sqrt(Math.max(m, features, out)),
    }),
  ),
);

for (const withBias of [false, true]) {
  testGradient(`linear ${withBias ? 'with' : 'without'} bias`, () => {
    const { y, targets } = build(6, 5, 4, withBias);
    const dy = sample('dy', [6, 4]);
    return { y, dy, targets, dx: gradients(y, targets, dy) };
  });
}

it('linear says which shapes do not fit', () => {
  const x = sample('x', [2, 3]);
  expect(() => trace(() => linear(x, sample('weight', [3, 2])))).toThrow(
    '[linear] x [M, in] and weight [out, in] must have the same number of input features; got x f32[2, 3] and weight f32[3, 2]',
  );
  expect(() => trace(() => linear(x, sample('weight', [4, 3]), sample('bias', [3])))).toThrow(
    '[linear] the bias must be',
  );
});
