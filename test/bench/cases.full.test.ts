/** Every case at its smallest size: ours is opened, compared with the definitions, run; what it says it costs is what it costs. */
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noise } from '../../bench/arrays.ts';
import { type Benchmark, farthest, type Item, type ListItems, type Request } from '../../bench/benchmark.ts';
import type { GraphImplementation } from '../../bench/graph_implementation.ts';
import { copyOf, fmaChains, measureRoofline } from '../../bench/roofline.ts';
import { largestStoredPairs, scalingSeries } from '../../bench/scaling.ts';
import { checkVariant, namedVariant } from '../../bench/variants.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { adapters, onEveryAdapter } from '../ops/harness.ts';

const modules = import.meta.glob<{ default: ListItems<unknown> }>('../../bench/cases/*.ts', { eager: true });
const lists = new Map(Object.entries(modules).map(([path, module]) => [/(\w+)\.ts$/.exec(path)![1], module.default]));
const tiny: Request = { pairs: 2, imageSize: 32, quick: true };
const full: Request = { pairs: 8, imageSize: 96, quick: false };

it('noise is the same for a name every time, and not periodic in any dimension of a case', () => {
  const values = noise('x', 100_000, 0.5);
  expect(noise('x', 100_000, 0.5).every((value, i) => value === values[i])).toBe(true);
  expect(noise('y', 10, 0.5)).not.toEqual(values.subarray(0, 10));
  expect(Math.max(...values.subarray(0, 1000).map(Math.abs))).toBeLessThanOrEqual(0.5);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  expect(Math.abs(mean)).toBeLessThan(0.01);
  for (const by of [64, 512, 4096, 65_536]) expect(values.subarray(by, by + 9)).not.toEqual(values.subarray(0, 9));
});

it('every file of bench/cases is one', () => {
  expect([...lists.keys()].sort()).toEqual(readdirSync('bench/cases').map((file) => file.replace('.ts', '')));
});

let gpu: Gpu;
beforeAll(async () => {
  gpu = await Gpu.open({ adapter: adapters[0] });
});
afterAll(() => gpu.destroy());

const items = [...lists].flatMap(([op, list]) => list(tiny).map((item) => [op, item] as const));

describe.each(items.map(([op, item]) => [`${item.name} ${item.shape}`, op, item] as const))(
  '%s',
  (_label, op, item) => {
    it('computes what its definition says', async () => {
      expect(item.name.startsWith(op)).toBe(true);
      const before = gpu.bytes;
      const { ours, tolerance } = await item.open(gpu, {});
      const first = await ours.first();
      const check = await ours.check();
      expect(check?.name).toBe(['step', 'pipeline'].includes(op) ? 'other variants' : 'float64 reference');
      const worst = farthest(check!.values, first, tolerance);
      expect(worst.distance, worst.name).toBeLessThanOrEqual(tolerance(worst.name));
      await ours.run(2);
      // A step of 2 pairs at 96×96 has 2.0 GFLOP an image; the maps are 9 times smaller, the work of head and weights is not.
      if (op === 'step') expect(ours.flops / (4 * 2e9)).toBeGreaterThan(1 / 9);
      if (op === 'step') expect(ours.flops / (4 * 2e9)).toBeLessThan(2 / 9);
      expect(ours.bytes).toBeGreaterThan(0);
      ours.destroy();
      gpu.trim();
      expect(gpu.bytes, 'nothing is left allocated').toBe(before);
    });
  },
);

const open = async (op: string, part: string): Promise<Benchmark<unknown>> => {
  const found = lists.get(op)!(tiny).find(({ name, shape }) => `${name} ${shape}`.includes(part)) as Item<unknown>;
  return found.open(gpu, {});
};

it.each([
  ['conv2d', 'forward 4×8×8×64, 3×3/1', 2 * 4 * 64 * 64 * 9 * 64, 4 * (2 * 4 * 64 * 64 + 64 * 9 * 64)],
  ['matmul', '256×256', 2 * 256 ** 3, 4 * 3 * 256 ** 2],
  ['max_pool', '4×16×16×64', 0, 4 * 64 * 4 * (2 * 256 + 2 * 64)],
])('%s: operations, and bytes with each tensor once', async (op, part, flops, bytes) => {
  const { ours } = await open(op, part);
  expect(ours.flops).toBe(flops);
  expect(ours.bytes).toBe(bytes);
  ours.destroy();
});

it('adam reads and writes weights and moments, and reads gradients', async () => {
  const { ours, problem } = await open('adam', '');
  const { length } = (problem as { weights: Float32Array }).weights;
  // Scalars, the flag of a step that is skipped, and which scalars each block takes.
  expect(ours.bytes).toBe(4 * (7 * length + 4 + 1 + length / 512));
  ours.destroy();
});

it('conv2d has every convolution of ResNet-18 in three directions, each shape once', () => {
  const rows = lists.get('conv2d')!(full).map(({ name, shape }) => `${name} ${shape}`);
  expect(new Set(rows).size).toBe(3 * 11);
  expect(rows).toContain('conv2d forward 16×96×96×4, 7×7/2, 64');
  expect(rows).toContain('conv2d weight gradient 16×6×6×256, 1×1/2, 512');
});

it('a named variant is taken where there is one, and missed where there is none', async () => {
  const [item] = lists.get('conv2d')!(tiny);
  const { ours } = await item.open(gpu, { selectVariant: namedVariant('portable') });
  const { launches } = (ours as GraphImplementation)['program'].plan;
  expect(launches.map(({ kernel }) => kernel.name)).toEqual(['conv2d/implicit_gemm']);
  ours.destroy();
  expect(() => checkVariant(gpu, 'portable', [item])).not.toThrow();
  expect(() => checkVariant(gpu, 'nothing', [item])).toThrow(
    /^no kernel of these rows has a variant 'nothing'; available: .*portable/,
  );
});

it('scaling goes on to the first N whose 2N × 2N matrix does not fit', () => {
  expect(largestStoredPairs(2 ** 27)).toBe(2896);
  const limits = { ...gpu.traits.limits, maxStorageBufferBindingSize: 2 ** 27 };
  const [steps, losses] = scalingSeries({ traits: { ...gpu.traits, limits } }, full);
  expect(steps.items.map(({ shape }) => shape).slice(0, 2)).toEqual(['2 pairs 96×96', '4 pairs 96×96']);
  expect(losses.items.at(-1)!.shape).toBe('N = 4096, 8192×128');
});

onEveryAdapter((device) => {
  it('the kernels of the roofline do all that they are timed for', async () => {
    const x = Float32Array.from({ length: 4 * 300 }, (_, i) => i);
    const { graph, result } = trace(() => ({
      one: copyOf(constant('x', x), 1),
      many: copyOf(constant('x', x), 256),
      fused: fmaChains({ size: 70, rounds: 1, fused: true }),
      plain: fmaChains({ size: 70, rounds: 1, fused: false }),
    }));
    const state = new State(device());
    const program = await Program.compile(graph, state, result);
    const { one, many, fused, plain } = await program.run().read();
    expect(one).toEqual(x);
    expect(many).toEqual(x);
    // s → s/2 + 1, eight times, of twelve first values: 2 + (s − 2)/256 each.
    const firsts = (i: number) => [0, 4, 8].flatMap((by) => [i + by, 1 + by, 2 + by, 3 + by]);
    const expected = Array.from({ length: 70 }, (_, i) => firsts(i).reduce((sum, s) => sum + 2 + (s - 2) / 256, 0));
    for (const y of [fused, plain]) for (let i = 0; i < 70; i++) expect(y[i]).toBeCloseTo(expected[i], 4);
    program.destroy();
    state.destroy();
  });
});

it('a roofline has numbers that a device can have', async () => {
  const { gflops, gbps } = await measureRoofline(gpu);
  expect(gflops).toBeGreaterThan(0.1);
  expect(gbps).toBeGreaterThan(0.01);
});
