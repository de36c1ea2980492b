/** What was measured of kernels is kept in a file, whatever state that is in. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type os from 'node:os';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Gpu } from '../../src/gpu/device.ts';
import type { Tuning, TuningCache } from '../../src/graph/autotune.ts';
import { kernelCacheFile, tuneKernels } from '../../src/train/kernel_cache.ts';

const folder = mkdtempSync(join(tmpdir(), 'kernels-'));
let gpu: Gpu;
beforeAll(async () => {
  gpu = await Gpu.open({ nullBackend: true });
});
afterAll(() => {
  gpu.destroy();
  rmSync(folder, { recursive: true, force: true });
});

// A processor that tests can change.
const processor = vi.hoisted(() => ({ model: 'one processor' }));
vi.mock('node:os', async (original) => {
  const real = await original<typeof os>();
  return { ...real, cpus: () => real.cpus().map((cpu) => ({ ...cpu, model: processor.model })) };
});

const tuning = (variant: string): Tuning => ({ variant, code: 'abc', milliseconds: { [variant]: 1.5 } });

/** The cache that tuning on a device uses, and what it said could not be written. */
function open(file: string, device = gpu): { cache: TuningCache; complaints: string[] } {
  const complaints: string[] = [];
  const tuner = tuneKernels(device, { onUnwritable: (message) => complaints.push(message) }, file);
  return { cache: tuner['cache'], complaints };
}

/** The device with a driver of another version. */
const updated = (): Gpu =>
  Object.create(gpu, { adapter: { value: { info: { description: 'a newer driver' } } } }) as Gpu;

it('two processes at once lose nothing of what either has found', () => {
  const file = join(folder, 'two', 'x.json');
  const [first, second] = [open(file), open(file)];
  first.cache.write('conv', tuning('tiled'));
  second.cache.write('matmul', tuning('portable'));
  first.cache.write('loss', tuning('subgroup'));
  const { cache } = open(file);
  expect(['conv', 'matmul', 'loss'].map((key) => cache.read(key)?.variant)).toEqual(['tiled', 'portable', 'subgroup']);
  expect([...first.complaints, ...second.complaints]).toEqual([]);
});

it.each([
  ['cut off', '{"version": 1, "adapter"'],
  ['empty', ''],
  ['of another version', JSON.stringify({ version: 2, found: {} })],
  ['of another shape', JSON.stringify({ version: 1, adapter: 'null-backend', driver: '', found: { conv: 'tiled' } })],
])('a file that is %s counts as nothing and is replaced', (_what, text) => {
  const file = join(folder, 'damaged.json');
  writeFileSync(file, text);
  const { cache, complaints } = open(file);
  expect(cache.read('conv')).toBeUndefined();
  cache.write('conv', tuning('tiled'));
  expect(open(file).cache.read('conv')).toEqual(tuning('tiled'));
  expect(JSON.parse(readFileSync(file, 'utf8')).version).toBe(1);
  expect(complaints).toEqual([]);
});

it('findings of another driver are not taken, and are kept elsewhere', () => {
  const file = join(folder, 'driver.json');
  open(file).cache.write('conv', tuning('tiled'));
  expect(open(file).cache.read('conv')).toEqual(tuning('tiled'));
  expect(open(file, updated()).cache.read('conv')).toBeUndefined();
  expect(kernelCacheFile(updated(), folder)).not.toBe(kernelCacheFile(gpu, folder));
});

it('findings about a software adapter hold for the processor that it runs on, those about a GPU for any', () => {
  const of = (software: boolean) => Object.create(gpu, { traits: { value: { ...gpu.traits, software } } }) as Gpu;
  const files = () => [true, false].map((software) => kernelCacheFile(of(software), folder));
  const file = join(folder, 'processor.json');
  const [software, hardware] = files();
  open(file, of(true)).cache.write('conv', tuning('tiled'));
  processor.model = 'another processor';
  expect(files()[0]).not.toBe(software);
  expect(files()[1]).toBe(hardware);
  expect(open(file, of(true)).cache.read('conv')).toBeUndefined();
  processor.model = 'one processor';
  expect(open(file, of(true)).cache.read('conv')).toEqual(tuning('tiled'));
});

it('where nothing can be written that is said once, and tuning goes on with what it found', () => {
  const blocked = join(folder, 'blocked');
  mkdirSync(blocked);
  writeFileSync(join(blocked, 'file'), '');
  const { cache, complaints } = open(join(blocked, 'file', 'x.json'));
  cache.write('conv', tuning('tiled'));
  cache.write('matmul', tuning('portable'));
  expect(cache.read('conv')).toEqual(tuning('tiled'));
  expect(cache.read('matmul')).toEqual(tuning('portable'));
  expect(complaints).toEqual([
    expect.stringMatching(/^what was measured of kernels cannot be kept for the next run \(/),
  ]);
});
