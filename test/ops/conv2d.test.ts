import { expect, it } from 'vitest';
import type { VariantSelector } from '../../src/graph/plan.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { trace } from '../../src/graph/trace.ts';
import { conv2d } from '../../src/ops/conv2d.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { type Case, onEveryAdapter, sample, testCases, testGradient } from './harness.ts';

type Geometry = { x: number[]; w: number[]; stride?: number; padding?: number };

function convolution({ x, w, stride = 1, padding = 0 }: Geometry, dtype: 'f32' | 'f16'): Case {
  return {
    name: `${dtype} x [${x}] w [${w}] stride ${stride} padding ${padding}`,
    feature: dtype === 'f16' ? 'shader-f16' : undefined,
    build() {
      const input = sample('x', x, { dtype });
      const weight = sample('w', w, { dtype });
      const y = conv2d(input, weight, { stride, padding });
      const [dx, dw] = gradients(y, [input, weight], sample('dy', y.shape, { dtype }));
      return { y, dx, dw };
    },
    // Sums of up to 3,000 products: 4 ε √K.
    tolerance: 2e-5,
  };
}

const geometries: Geometry[] = [
  // ResNet's kinds of convolution, channel counts around the tile of 64, pixel counts around the tile of 32
  { x: [1, 1, 1, 4], w: [4, 1, 1, 4] },
  { x: [2, 9, 9, 4], w: [64, 7, 7, 4], stride: 2, padding: 3 },
  { x: [2, 6, 6, 64], w: [64, 3, 3, 64], padding: 1 },
  { x: [3, 7, 5, 32], w: [68, 3, 3, 32], padding: 1 },
  { x: [2, 8, 8, 16], w: [60, 3, 3, 16], stride: 2, padding: 1 },
  { x: [2, 11, 13, 16], w: [32, 3, 3, 16], stride: 2, padding: 1 },
  { x: [2, 8, 6, 8], w: [128, 1, 1, 8], stride: 2 },
  // a bottleneck's: few pixels of many channels, to four times as many, and its shortcut
  { x: [1, 3, 3, 256], w: [1024, 1, 1, 256] },
  { x: [2, 5, 4, 512], w: [256, 1, 1, 512], stride: 2 },
  { x: [5, 3, 3, 68], w: [12, 3, 3, 68], padding: 1 },
  // odd everything: channels that are no multiples of 4, kernels that are not square, strides that skip pixels
  { x: [1, 1, 1, 1], w: [1, 1, 1, 1] },
  { x: [3, 7, 5, 3], w: [5, 3, 3, 3], padding: 1 },
  { x: [2, 5, 5, 7], w: [13, 5, 3, 7], padding: 2 },
  { x: [1, 13, 11, 5], w: [3, 3, 3, 5], stride: 3, padding: 0 },
  { x: [2, 10, 7, 2], w: [6, 2, 2, 2], stride: 2, padding: 1 },
  { x: [1, 6, 6, 1], w: [1, 1, 1, 1], stride: 3 },
  { x: [31, 1, 1, 17], w: [19, 1, 1, 17] },
  { x: [33, 1, 2, 3], w: [2, 3, 3, 3], padding: 1 },
  // 441 pixels: the weight gradient is added up from 7 = 1 + 2 + 4 slices
  { x: [1, 21, 21, 4], w: [4, 1, 1, 4] },
];
const cases = geometries.map((geometry) => convolution(geometry, 'f32'));
const halfCases = geometries.map((geometry) => convolution(geometry, 'f16'));

testCases([...cases, ...halfCases]);
testCases([...cases, ...halfCases], { variant: 'portable' });
testCases([...cases, ...halfCases], { variant: 'subgroup', optional: true });
// The kernels for subgroups of exactly 8 lanes, which lavapipe has.
for (const variant of ['octet_32', 'octet_16']) testCases(cases, { variant, optional: true });

onEveryAdapter((gpu) => {
  it('variants for software adapters give the same bits', async ({ skip }) => {
    const { graph, result } = trace(convolution({ x: [3, 7, 5, 36], w: [40, 3, 3, 36], padding: 1 }, 'f32').build);
    const outputs = Object.values(result);
    const names = ['subgroup', 'octet_16', 'octet_32'];
    if (gpu().traits.subgroupMinSize !== 8) skip('the device is not offered them');
    const values: ArrayLike<number>[][] = [];
    for (const name of names) {
      const state = new State(gpu());
      const selectVariant: VariantSelector = (_node, offered) => offered.find((one) => one === name);
      const program = await Program.compile(graph, state, {}, { keep: outputs, selectVariant });
      program.run();
      const read: ArrayLike<number>[] = [];
      for (const tensor of outputs) read.push(await program.inspect(tensor));
      values.push(read);
      program.destroy();
      state.destroy();
    }
    expect(values[1]).toEqual(values[0]);
    // The weight gradient has no tile of 16: there `octet_16` took the table's.
    expect(values[2]).toEqual(values[0]);
  });
});

// The kernels for GPUs, of which each tile is compiled anew: all geometries with the smallest, a few with the others. Around the
// tiles: sums that end inside a step, classes of pixels without taps, pixels cut into slices, more than one tile each way.
const tiledGeometries: Geometry[] = [
  { x: [1, 1, 1, 1], w: [1, 1, 1, 1] },
  { x: [2, 9, 9, 4], w: [64, 7, 7, 4], stride: 2, padding: 3 },
  { x: [3, 7, 5, 32], w: [68, 3, 3, 32], padding: 1 },
  { x: [2, 11, 13, 16], w: [12, 3, 3, 16], stride: 2, padding: 1 },
  { x: [2, 8, 6, 8], w: [12, 1, 1, 8], stride: 2 },
  { x: [1, 13, 11, 5], w: [3, 2, 3, 5], stride: 3 },
  { x: [3, 14, 13, 4], w: [4, 1, 1, 4] },
];
const largeTileGeometries: Geometry[] = [
  { x: [3, 7, 7, 20], w: [132, 3, 3, 20], padding: 1 },
  { x: [2, 11, 13, 16], w: [8, 3, 3, 16], stride: 2, padding: 1 },
  { x: [2, 5, 4, 512], w: [256, 1, 1, 512], stride: 2 },
];
const inBoth = (geometry: Geometry) => [convolution(geometry, 'f32'), convolution(geometry, 'f16')];
testCases(tiledGeometries.flatMap(inBoth), { variant: 'tiled_64x64' });
// 128x64 is a tile of the implicit-GEMM kernel, 64x128 of the weight gradient.
for (const variant of ['tiled_128x128', 'tiled_128x64', 'tiled_64x128']) {
  testCases(
    largeTileGeometries.map((geometry) => convolution(geometry, 'f32')),
    { variant },
  );
}

it('refuses an f32 image with f16 weights', () => {
  const apply = () => conv2d(sample('x', [1, 2, 2, 4]), sample('w', [4, 1, 1, 4], { dtype: 'f16' }));
  expect(() => trace(apply)).toThrow(/conv2d.*both f16/);
});

for (const geometry of [
  { x: [2, 5, 4, 3], w: [2, 3, 3, 3], stride: 2, padding: 1 },
  { x: [1, 4, 4, 2], w: [3, 1, 2, 2], stride: 1, padding: 0 },
]) {
  testGradient(`conv2d ${JSON.stringify(geometry)}`, () => {
    const x = sample('x', geometry.x);
    const w = sample('w', geometry.w);
    const y = conv2d(x, w, geometry);
    const dy = sample('dy', y.shape);
    return { y, dy, targets: [x, w], dx: gradients(y, [x, w], dy) };
  });
}
