import { expect, it } from 'vitest';
import type { DeviceTraits } from '../../src/gpu/device.ts';
import { plan } from '../../src/graph/plan.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { input, trace } from '../../src/graph/trace.ts';
import { conv2d } from '../../src/ops/conv2d.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { matmul } from '../../src/ops/matmul.ts';
import { cores } from '../../src/ops/tiles.ts';

const device = (software: boolean, limits: Record<string, number> = {}): DeviceTraits => ({
  adapter: 'made up',
  vendor: '',
  software,
  subgroupMinSize: 32,
  subgroupMaxSize: 32,
  matrixConfigs: [],
  features: new Set(['subgroups', 'shader-f16']),
  limits: {
    maxStorageBufferBindingSize: 2 ** 31 - 4,
    maxComputeWorkgroupStorageSize: 49152,
    maxComputeInvocationsPerWorkgroup: 1024,
    maxComputeWorkgroupSizeX: 1024,
    ...limits,
  },
});

const f32 = (name: string, ...shape: number[]): Tensor => input(name, shape, 'f32');

/** Names of the variants that the node of an op has on a device, the one that is taken first. */
function variants(op: string, traits: DeviceTraits, build: () => Tensor[]): readonly string[] {
  const { graph, result } = trace(build);
  let found: readonly string[] = [];
  plan(graph, result, traits, {
    selectVariant(node, names) {
      if (node.op.name === op) found = names;
      return undefined;
    },
  });
  return found;
}

/** A convolution of ResNet-18 at 512 views: side of the image, channels in and out. */
const convolution = (side: number, channels: number, out: number) => () => {
  const [x, w] = [f32('x', 512, side, side, channels), f32('w', out, 3, 3, channels)];
  const y = conv2d(x, w, { padding: 1 });
  return [y, ...gradients(y, [x, w], input('dy', y.shape, 'f32'))];
};

it('a GPU takes tiles first, a software rasteriser last', () => {
  const head = () => [matmul(f32('a', 512, 512), f32('b', 512, 512), { transposeB: true })];
  for (const op of ['conv2d', 'conv2d_backward_input', 'conv2d_backward_weight', 'matmul']) {
    const build = op === 'matmul' ? head : convolution(24, 64, 64);
    expect(variants(op, device(false), build)[0], op).toMatch(/^tiled/);
    expect(variants(op, device(true), build)[0], op).toBe('subgroup');
  }
});

it('tiles are as narrow as the product, large where there are many, small where there are few', () => {
  expect(variants('conv2d', device(false), convolution(24, 64, 64))[0]).toBe('tiled_128x64');
  expect(variants('conv2d', device(false), convolution(48, 128, 128))[0]).toBe('tiled_128x128');
  expect(variants('conv2d', device(false), convolution(1, 512, 512))[0]).toBe('tiled_64x64');
});

it('a variant that does not fit the device is not offered', () => {
  const names = (limits: Record<string, number>) =>
    variants('conv2d', device(false, limits), convolution(24, 64, 64)).filter((name) => name.startsWith('tiled'));
  expect(names({ maxComputeWorkgroupStorageSize: 16384 }).toSorted()).toEqual([
    'tiled_128x128',
    'tiled_128x64',
    'tiled_64x64',
  ]);
  expect(names({ maxComputeInvocationsPerWorkgroup: 128 }).toSorted()).toEqual(['tiled_128x64', 'tiled_64x64']);
  expect(names({ maxComputeWorkgroupStorageSize: 8192 })).toEqual(['tiled_64x64']);
  expect(names({ maxComputeWorkgroupSizeX: 32 })).toEqual([]);
});

it('every product of a step of 256 pairs has workgroups for all cores', () => {
  const shapes = [
    [24, 64, 64],
    [12, 128, 128],
    [6, 256, 256],
    [3, 512, 512],
  ] as const;
  for (const [side, channels, out] of shapes) {
    const { graph, result } = trace(convolution(side, channels, out));
    const { launches } = plan(graph, result, device(false));
    const tiled = launches.filter(({ kernel }) => kernel.name.includes('tiled'));
    expect(tiled.length).toBe(3);
    for (const { label, workgroups } of tiled)
      expect(workgroups[0] * workgroups[1] * workgroups[2], label).toBeGreaterThanOrEqual(2 * cores);
  }
});
