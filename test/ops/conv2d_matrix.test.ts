/**
 * Convolutions on matrix units. No software adapter has such units, so that the kernels run here with units emulated by plain
 * arithmetic (`matrix_emulated`), in the sizes of each kind of unit; with real ones they run where an adapter has them, and are compiled
 * on the null backend by test/kernels.test.ts.
 */
import { conv2d } from '../../src/ops/conv2d.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { type Case, sample, testCases } from './harness.ts';

type Geometry = { x: number[]; w: number[]; stride?: number; padding?: number };

const convolution = ({ x, w, stride = 1, padding = 0 }: Geometry, feature = 'shader-f16'): Case => ({
  name: `f16 x [${x}] w [${w}] stride ${stride} padding ${padding}`,
  feature,
  build() {
    const input = sample('x', x, { dtype: 'f16' });
    const weight = sample('w', w, { dtype: 'f16' });
    const y = conv2d(input, weight, { stride, padding });
    const [dx, dw] = gradients(y, [input, weight], sample('dy', y.shape, { dtype: 'f16' }));
    return { y, dx, dw };
  },
  // f16 products are exact in f32: dw has the error of f32 sums of up to 1,200 terms, 4 ε √K; y and dx one rounding to f16.
  tolerance: 2e-5,
});

// ResNet's kinds of convolution in small, sizes on both sides of blocks, channels that are filled up to fours, taps without pixels.
const geometries: Geometry[] = [
  { x: [1, 1, 1, 4], w: [4, 1, 1, 4] },
  { x: [1, 9, 9, 4], w: [64, 7, 7, 4], stride: 2, padding: 3 },
  { x: [2, 8, 9, 16], w: [68, 3, 3, 16], padding: 1 },
  { x: [2, 11, 13, 8], w: [16, 3, 3, 8], stride: 2, padding: 1 },
  { x: [2, 8, 6, 8], w: [132, 1, 1, 8], stride: 2 },
  { x: [1, 10, 7, 5], w: [3, 2, 3, 5], stride: 3, padding: 1 },
  { x: [1, 35, 35, 4], w: [4, 3, 3, 4], padding: 1 },
];
const odd = geometries.slice(2, 6);
/** What is offered emulated units of 16 × 16 × 16; hardware, on which these tests may run, is not. */
const software = { software: true, matrixConfigs: [] };

testCases(
  geometries.map((geometry) => convolution(geometry)),
  { variant: 'matrix_emulated', traits: software },
);
// Small products take blocks of 128 × 64 (by the fixed table), and these when they are told to.
for (const block of ['128x128', '64x128']) {
  testCases(
    odd.map((geometry) => convolution(geometry)),
    { variant: `matrix_emulated_${block}`, traits: software },
  );
}

for (const [M, N, K] of [
  [8, 16, 16],
  [8, 8, 8],
]) {
  const componentType = K === 8 ? 'f32' : 'f16';
  testCases(
    odd.map((geometry) => {
      const item = convolution(geometry);
      return { ...item, name: `${item.name}, units of ${M}×${N}×${K}` };
    }),
    {
      variant: 'matrix_emulated',
      traits: { ...software, matrixConfigs: [{ M, N, K, componentType, resultComponentType: 'f32' }] },
    },
  );
}

// Twice the threads that multiply: the others only move data.
testCases(
  odd.slice(0, 2).map((geometry) => {
    const item = convolution(geometry);
    return { ...item, name: `${item.name}, spare subgroups` };
  }),
  { variant: 'matrix_emulated', traits: { ...software, subgroupMaxSize: 64 } },
);

const real = (geometry: Geometry) => convolution(geometry, 'chromium-experimental-subgroup-matrix');
testCases(geometries.map(real), { variant: 'matrix', optional: true });
for (const block of ['128x128', '64x128']) testCases(odd.map(real), { variant: `matrix_${block}`, optional: true });
