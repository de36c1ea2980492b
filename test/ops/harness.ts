/** What the tests of all ops share: cases that are run on every adapter against the reference, and against central differences. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listAdapters } from '../../src/gpu/adapters.ts';
import { type DeviceTraits, Gpu } from '../../src/gpu/device.ts';
import { plan, type VariantSelector } from '../../src/graph/plan.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import type { Data, Shape, Tensor } from '../../src/graph/tensor.ts';
import { trace, variable } from '../../src/graph/trace.ts';
import { interpret, type Values } from '../reference/interpreter.ts';
import { lowbias32 } from '../values.ts';

/** Adapters that tests of kernels run on: all that there are, software rasterisers too, for they differ. */
export const adapters = await listAdapters();

/** Values in [-1, 1) by a formula, so that a case is the same every time. */
export function noise(size: number, seed = 1, scale = 1, offset = 0): Float32Array {
  const start = Math.imul(seed, 0x9e3779b9);
  return Float32Array.from({ length: size }, (_, i) => ((lowbias32(i + start) / 2 ** 32) * 2 - 1) * scale + offset);
}

let seeds = 0;

interface SampleOptions {
  readonly scale?: number;
  readonly offset?: number;
  readonly seed?: number;
  readonly dtype?: 'f32' | 'f16';
}

/** A variable with values by formula: what cases feed to ops. */
export function sample(
  name: string,
  shape: Shape,
  { scale = 1, offset = 0, seed = ++seeds, dtype }: SampleOptions = {},
): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return variable(name, shape, () => noise(size, seed, scale, offset), dtype);
}

/** Error allowed in a tensor of f16: it may be rounded to the other side than the reference, one last place of the largest value. */
const f16Tolerance = 2 ** -10;

export interface Case {
  readonly name: string;
  /** Applies ops to `sample`s and returns what is compared, gradients too: `gradients(y, [x], sample('dy', …))`. */
  build(): Record<string, Tensor>;
  /** Error allowed, relative to the largest value of the tensor. Default 1e-5, in f16 one rounding; say why where it is more. */
  tolerance?: number;
  /** A feature without which an adapter skips the case, and says so. */
  feature?: string;
  /** Variables that the ops update, compared too. */
  updated?(outputs: Record<string, Tensor>): Record<string, Tensor>;
}

/** The largest difference, relative to the largest magnitude of `expected` (1e-30 at least). NaN counts as infinite. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let magnitude = 1e-30;
  for (let i = 0; i < expected.length; i++) {
    const d = Math.abs(actual[i] - expected[i]);
    difference = Number.isNaN(d) ? Number.POSITIVE_INFINITY : Math.max(difference, d);
    magnitude = Math.max(magnitude, Math.abs(expected[i]));
  }
  return difference / magnitude;
}

/** Opens each adapter, or each chosen one, once for a file and runs `define` with it. */
export function onEveryAdapter(define: (gpu: () => Gpu, adapter: string) => void, chosen = adapters): void {
  if (chosen.length === 0)
    it('a WebGPU adapter is there', () => expect.fail('none was found: run node scripts/setup.mjs'));
  describe.each(chosen)('%s', (adapter) => {
    let gpu: Gpu;
    beforeAll(async () => {
      gpu = await Gpu.open({ adapter });
    });
    afterAll(() => gpu.destroy());
    define(() => gpu, adapter);
  });
}

export interface TestOptions {
  /** The variant that every node takes that has it (see `Lowering.selectVariant`); at least one must have it. */
  readonly variant?: string;
  /** Whether a case is skipped, and says so, on a device on which no node has the variant. */
  readonly optional?: boolean;
  /** What ops are told of the device in place of the truth. */
  readonly traits?: Partial<DeviceTraits>;
}

/** Each case on each adapter: outputs equal the reference's, and nothing is written behind the end of any tensor. */
export function testCases(cases: readonly Case[], { variant, optional, traits }: TestOptions = {}): void {
  onEveryAdapter((gpu) => {
    const name = (item: Case) => (variant ? `${item.name}, variant ${variant}` : item.name);
    it.for(cases.map((item) => [name(item), item] as const))('%s', async ([, item], { skip }) => {
      if (item.feature && !gpu().traits.features.has(item.feature)) skip(`the adapter has no '${item.feature}'`);
      if (variant && optional && !isOffered(variant, item, gpu())) skip(`the device is not offered '${variant}'`);
      await runCase(traits ? pretending(gpu(), traits) : gpu(), item, variant);
    });
  });
}

function isOffered(variant: string, { build }: Case, { traits }: Gpu): boolean {
  const { graph, result } = trace(build);
  let offered = false;
  plan(graph, Object.values(result), traits, {
    selectVariant: (_node, names) => void (offered ||= names.includes(variant)),
  });
  return offered;
}

/** The device with other traits: what ops choose variants by. */
const pretending = (gpu: Gpu, traits: Partial<DeviceTraits>): Gpu =>
  Object.create(gpu, { traits: { value: { ...gpu.traits, ...traits } } });

async function runCase(gpu: Gpu, { build, tolerance = 1e-5, updated }: Case, variant?: string): Promise<void> {
  const { graph, result: outputs } = trace(build);
  const state = new State(gpu);
  let taken = 0;
  const selectVariant: VariantSelector = (_node, names) => {
    if (!variant || !names.includes(variant)) return undefined;
    taken++;
    return variant;
  };
  const program = await Program.compile(graph, state, outputs, { inspect: true, selectVariant });
  if (variant) expect(taken, `nodes with a variant '${variant}'`).toBeGreaterThan(0);
  const values = await program.run().read();
  const expected = interpret(graph);
  const check = (name: string, tensor: Tensor, actual: Data) =>
    compare(
      name,
      actual,
      expected.get(tensor)!,
      tensor.dtype === 'f16' ? Math.max(tolerance, f16Tolerance) : tolerance,
    );
  for (const [name, tensor] of Object.entries(outputs)) check(name, tensor, values[name]);
  for (const [name, tensor] of Object.entries(updated?.(outputs) ?? {})) {
    check(name, tensor, await state.read(tensor));
  }
  expect(await program.damagedGuards()).toEqual([]);
  program.destroy();
  state.destroy();
}

export function compare(name: string, actual: Data, expected: Values, tolerance: number): void {
  expect(relativeError(actual, expected), `${name}: error relative to the largest value`).toBeLessThanOrEqual(
    tolerance,
  );
}

/**
 * The reference's own gradient against central differences of the reference: for a graph built by `build` from the variables
 * `targets`, with y and dy of one shape, d(Σ dy·y)/d target element by element (at most `most` elements a target).
 */
export function testGradient(
  name: string,
  build: () => { y: Tensor; dy: Tensor; targets: readonly Tensor[]; dx: readonly Tensor[] },
  { step = 1e-4, tolerance = 1e-5, most = 40 } = {},
): void {
  it(`${name}: gradient equals central differences of the reference`, () => {
    const { graph, result } = trace(build);
    const base = interpret(graph);
    const dy = base.get(result.dy)!;
    const objective = (target: Tensor, value: Values): number => {
      const y = interpret(graph, new Map([[target, value]])).get(result.y)!;
      return y.reduce((sum, item, i) => sum + item * dy[i], 0);
    };
    result.targets.forEach((target, index) => {
      const analytic = base.get(result.dx[index])!;
      const scale = analytic.reduce((max, item) => Math.max(max, Math.abs(item)), 1e-12);
      const start = interpret([], new Map()).get(target) ?? Float64Array.from(firstValue(target));
      const stride = Math.max(1, Math.floor(target.size / most));
      for (let i = 0; i < target.size; i += stride) {
        const shifted = (by: number) =>
          objective(
            target,
            start.map((item, j) => (j === i ? item + by : item)),
          );
        const numeric = (shifted(step) - shifted(-step)) / (2 * step);
        expect(
          Math.abs(numeric - analytic[i]) / scale,
          `${target.name}[${i}]: ${analytic[i]} against ${numeric}`,
        ).toBeLessThan(tolerance);
      }
    });
  });
}

function firstValue(target: Tensor): Data {
  if (target.origin.kind !== 'variable' || !target.origin.init) throw new Error(`${target} is no sample`);
  return target.origin.init();
}
