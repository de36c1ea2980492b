import { expect, it } from 'vitest';
import type { Shape } from '../../src/graph/tensor.ts';
import { trace } from '../../src/graph/trace.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { interpolate } from '../../src/ops/interpolate.ts';
import { type Case, sample, testCases, testGradient } from './harness.ts';

type Size = readonly [number, number];

const resized = (shape: Shape, size: Size, dtype?: 'f16'): Case => ({
  name: `interpolate and its gradients ${dtype ?? 'f32'} [${shape}] to ${size}`,
  feature: dtype && 'shader-f16',
  build() {
    const x = sample('x', shape, { dtype });
    const y = interpolate(x, size);
    const dy = sample('dy', y.shape, { dtype });
    const [dx] = gradients(y, [x], dy);
    const [ddy] = gradients(dx, [dy], sample('ddx', shape, { dtype }));
    return { y, dx, ddy };
  },
});

// Up and down, one axis each way, by a lot, to the same size, from one pixel and to one, in sizes without a common
// factor.
const sizes: [Shape, Size][] = [
  [
    [1, 1, 1, 1],
    [1, 1],
  ],
  [
    [2, 5, 4, 3],
    [10, 8],
  ],
  [
    [1, 4, 6, 4],
    [11, 7],
  ],
  [
    [1, 9, 8, 3],
    [4, 5],
  ],
  [
    [2, 3, 7, 5],
    [3, 7],
  ],
  [
    [1, 1, 3, 2],
    [13, 1],
  ],
  [
    [1, 31, 2, 1],
    [3, 29],
  ],
  [
    [1, 2, 3, 1],
    [64, 65],
  ],
];

testCases(sizes.flatMap(([shape, size]) => [resized(shape, size), resized(shape, size, 'f16')]));

for (const [shape, size] of sizes.slice(1, 4)) {
  testGradient(`interpolate [${shape}] to ${size}`, () => {
    const x = sample('x', shape);
    const y = interpolate(x, size);
    const dy = sample('dy', y.shape);
    return { y, dy, targets: [x], dx: gradients(y, [x], dy) };
  });
}

it('refuses what has no pixels', () => {
  const refused = (shape: Shape, size: Size) => expect(() => trace(() => interpolate(sample('x', shape), size)));
  refused([2, 3, 4], [2, 2]).toThrow(/\[interpolate\] the input must be \[N, H, W, C\]/);
  refused([1, 2, 3, 4], [0, 2]).toThrow(/\[interpolate\] sides/);
});
