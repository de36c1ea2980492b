import { expect, it } from 'vitest';
import { trace } from '../../src/graph/trace.ts';
import { convTranspose2d } from '../../src/ops/conv_transpose2d.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { type Case, sample, testCases, testGradient } from './harness.ts';

interface Geometry {
  readonly x: number[];
  readonly w: number[];
  readonly stride?: number;
  readonly padding?: number;
  readonly outputPadding?: number;
}

function transposed(geometry: Geometry, dtype?: 'f16') {
  const x = sample('x', geometry.x, { dtype });
  const w = sample('w', geometry.w, { dtype });
  const y = convTranspose2d(x, w, geometry);
  const dy = sample('dy', y.shape, { dtype });
  return { x, w, y, dy };
}

const item = (geometry: Geometry, dtype?: 'f16'): Case => ({
  name: `conv_transpose2d ${dtype ?? 'f32'} ${JSON.stringify(geometry)}`,
  feature: dtype && 'shader-f16',
  build() {
    const { x, w, y, dy } = transposed(geometry, dtype);
    const [dx, dw] = gradients(y, [x, w], dy);
    return { y, dx, dw };
  },
});

const geometries: Geometry[] = [
  { x: [1, 1, 1, 1], w: [1, 1, 1, 1] },
  { x: [2, 1, 1, 10], w: [10, 4, 4, 8] },
  { x: [2, 4, 5, 8], w: [8, 4, 4, 4], stride: 2, padding: 1 },
  { x: [1, 5, 3, 5], w: [5, 3, 3, 7], stride: 2, padding: 1, outputPadding: 1 },
  { x: [3, 2, 3, 3], w: [3, 2, 3, 5], stride: 3, padding: 1, outputPadding: 2 },
  { x: [1, 3, 2, 4], w: [4, 1, 1, 4], stride: 2, outputPadding: 1 },
];

testCases(geometries.flatMap((geometry) => [item(geometry), item(geometry, 'f16')]));

for (const geometry of geometries.slice(2, 4)) {
  testGradient(`conv_transpose2d ${JSON.stringify(geometry)}`, () => {
    const { x, w, y, dy } = transposed(geometry);
    return { y, dy, targets: [x, w], dx: gradients(y, [x, w], dy) };
  });
}

it('refuses what does not fit', () => {
  const refused = (geometry: Geometry) => expect(() => trace(() => transposed(geometry)));
  refused({ x: [1, 2, 2, 3], w: [4, 3, 3, 3] }).toThrow(/\[conv_transpose2d\] the channels of x/);
  refused({ x: [1, 2, 2, 3], w: [3, 3, 3, 4], outputPadding: 1 }).toThrow(/\[conv_transpose2d\] outputPadding 1/);
  refused({ x: [1, 1, 1, 3], w: [3, 1, 1, 4], padding: 1 }).toThrow(/\[conv_transpose2d\] padding 1/);
});
