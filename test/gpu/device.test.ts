import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { grid1d, type Kernel, packParams, sourceLine } from '../../src/gpu/kernel.ts';
import { adapters } from '../ops/harness.ts';

const kernel = (code: string, more: Partial<Kernel> = {}): Kernel => ({
  name: 'fake/forward',
  code,
  lines: [
    [1, 'fake/forward.wgsl', 1],
    [3, 'lib/part.wgsl', 1],
    [5, 'fake/forward.wgsl', 4],
  ],
  bindings: [{ name: 'y', binding: 0, access: 'read_write' }],
  params: { size: 0, fields: {} },
  overrides: [],
  features: [],
  ...more,
});

const good = [
  '@group(0) @binding(0) var<storage, read_write> y: array<f32>;',
  '',
  'fn part(x: f32) -> f32 { return 2.0 * x; }',
  '',
  '@compute @workgroup_size(1) fn main() { y[0] = part(1.0); }',
];

it('an adapter that is not there is answered with those that are', async () => {
  const error = await Gpu.open({ adapter: 'nonsense' }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UserError);
  expect((error as Error).message).toBe(
    `no adapter has 'nonsense' in its name; available: ${adapters.map((name) => `'${name}'`).join(', ')}`,
  );
});

it('part of a name, in any case, chooses an adapter', async () => {
  const gpu = await Gpu.open({ adapter: adapters[0].slice(1, 6).toUpperCase() });
  expect(gpu.traits.adapter).toBe(adapters[0]);
  gpu.destroy();
});

it('the null backend compiles, and compiles once', async () => {
  const gpu = await Gpu.open({ nullBackend: true });
  const first = gpu.pipelines.get(kernel(good.join('\n')));
  await first;
  expect(gpu.pipelines.compiled).toEqual(['fake/forward []']);
  gpu.destroy();
});

it.each([
  ['in the file itself', 4, '@compute @workgroup_size(1) fn main() { y[0] = nothing(1.0); }', 'fake/forward.wgsl:4'],
  ['in an include', 2, 'fn part(x: f32) -> f32 { return 2u * x; }', 'lib/part.wgsl:1'],
  ['of grammar', 2, 'fn part(x: f32) -> f32 { return 2.0 * ; }', 'lib/part.wgsl:1'],
])('a fault %s is one line with file and line', async (_where, index, line, place) => {
  const gpu = await Gpu.open({ nullBackend: true });
  const code = good.with(index as number, line as string).join('\n');
  const error: unknown = await gpu.pipelines.get(kernel(code)).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UserError);
  const { message } = error as Error;
  expect(message.startsWith(`kernels/${place}: `), message).toBe(true);
  expect(message).toContain('(in fake/forward []');
  expect(message).not.toContain('\n');
  expect(gpu.failure).toBeUndefined();
  gpu.destroy();
});

it.each([
  ['bindings that the shader does not have', { bindings: [] }, {}],
  ['an override that the shader does not have', {}, { tile: 4 }],
])('%s are one line that names the kernel', async (_what, more, constants) => {
  const gpu = await Gpu.open({ nullBackend: true });
  const error: unknown = await gpu.pipelines
    .get(kernel(good.join('\n'), more), constants)
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UserError);
  expect((error as Error).message).toContain('kernels/fake/forward.wgsl: ');
  expect((error as Error).message).not.toContain('\n');
  gpu.destroy();
});

it('lines of the code are told by the file that they come from', () => {
  const fake = kernel(good.join('\n'));
  expect([1, 2, 3, 4, 5, 6].map((line) => sourceLine(fake, line))).toEqual([
    'kernels/fake/forward.wgsl:1',
    'kernels/fake/forward.wgsl:2',
    'kernels/lib/part.wgsl:1',
    'kernels/lib/part.wgsl:2',
    'kernels/fake/forward.wgsl:4',
    'kernels/fake/forward.wgsl:5',
  ]);
});

it('parameters are packed by name, at the offsets and in the types of the shader', () => {
  const fields = {
    size: { offset: 0, type: 'u32' },
    scale: { offset: 8, type: 'f32' },
    shift: { offset: 4, type: 'i32' },
  };
  const fake = kernel('', { params: { size: 16, fields } });
  const target = new DataView(new ArrayBuffer(32));
  packParams(fake, { scale: 0.5, size: 2 ** 32 - 1, shift: -3 }, target, 16);
  expect([target.getUint32(16, true), target.getInt32(20, true), target.getFloat32(24, true)]).toEqual([
    2 ** 32 - 1,
    -3,
    0.5,
  ]);
  expect(() => packParams(fake, { size: 1, scale: 1 }, target, 0)).toThrow(
    "fake/forward: parameter 'shift' is missing",
  );
  expect(() => packParams(fake, { size: 1, scale: 1, shift: 1, tile: 1 }, target, 0)).toThrow(
    "fake/forward: has no parameter 'tile' (it has size, scale, shift)",
  );
});

it('grids cover the size within 65,535 workgroups a dimension', () => {
  for (const [size, group] of [
    [0, 64],
    [1, 64],
    [64, 64],
    [65, 64],
    [65535 * 64 + 1, 64],
    [2 ** 31, 256],
  ] as const) {
    const [x, y, z] = grid1d(size, group);
    expect(x * y * z * group).toBeGreaterThanOrEqual(size);
    expect(Math.max(x, y, z)).toBeLessThanOrEqual(65535);
  }
  expect(grid1d(65, 64)).toEqual([2, 1, 1]);
});

describe('a device that goes away', () => {
  it('is reported in one line by whoever waits for it, and by the next run', async () => {
    const gpu = await Gpu.open({ adapter: adapters[0] });
    const buffer = gpu.createBuffer('data', 1024, GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST);
    const reading = gpu.readBuffer(buffer);
    gpu.destroy();
    await expect(reading).rejects.toThrow(/^the GPU device was lost \(.+\); run the command again$/);
    await expect(reading).rejects.toBeInstanceOf(UserError);
  });

  it('a buffer above what the adapter allows names what needed it, and what to do', async () => {
    const gpu = await Gpu.open({ adapter: adapters[0] });
    const size = gpu.traits.limits['maxBufferSize'] + 4;
    expect(() => gpu.createBuffer('intermediate 7', size, GPUBufferUsage.COPY_DST)).toThrow(
      /^intermediate 7 needs a buffer of \d+ bytes, but '.+' allows at most \d+; use a smaller --batch-size or --image-size, or micro-batches \(--micro-batch\)$/,
    );
    gpu.destroy();
  });
});
