import { describe, expect, it } from 'vitest';
import type { Shape } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { gaussianNoise } from '../../src/ops/gaussian_noise.ts';
import { interpret } from '../reference/interpreter.ts';
import { type Case, sample, testCases } from './harness.ts';

const seeds = constant('seeds', Uint32Array.of(1, 0xdeadbeef, 42));

const drawn = (shape: Shape): Case => ({
  name: `gaussian noise [${shape}]`,
  build: () => ({ first: gaussianNoise(seeds, shape), second: gaussianNoise(seeds, shape) }),
  // WGSL promises 2⁻¹¹ of cos(), and 2⁻²¹ of log() near 1, of which a root is taken.
  tolerance: 2e-3,
});

testCases([[1], [63], [2, 5, 13], [1031]].map(drawn));

/** What the reference draws. */
function noise(from: typeof seeds, salt?: number, before = 0): Float64Array {
  const { graph, result } = trace(() => {
    for (let i = 0; i < before; i++) gaussianNoise(from, [3]);
    return gaussianNoise(from, [20_000], { ...(salt !== undefined && { salt }) });
  });
  return interpret(graph).get(result)!;
}

describe('gaussian noise', () => {
  const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;

  it('has the moments of N(0, 1), and a share of 31.7 % beyond ±1', () => {
    const y = noise(seeds);
    // Four standard deviations each, of 20,000 numbers.
    expect(Math.abs(mean(y))).toBeLessThan(4 * Math.sqrt(1 / y.length));
    expect(Math.abs(mean(y.map((v) => v ** 2)) - 1)).toBeLessThan(4 * Math.sqrt(2 / y.length));
    expect(Math.abs(mean(y.map((v) => v ** 3)))).toBeLessThan(4 * Math.sqrt(15 / y.length));
    expect(Math.abs(mean(y.map((v) => v ** 4)) - 3)).toBeLessThan(4 * Math.sqrt(96 / y.length));
    expect(Math.abs(mean(y.map((v) => Number(Math.abs(v) > 1))) - 0.3173)).toBeLessThan(0.0132);
  });

  it('is independent of its neighbours, and of that of other seeds, salts and places of a program', () => {
    const y = noise(seeds);
    const others = [noise(seeds, undefined, 1), noise(seeds, 7), noise(constant('others', Uint32Array.of(1, 2, 42)))];
    for (const other of [...others, y.map((_, i) => y[(i + 1) % y.length])])
      expect(Math.abs(mean(y.map((value, i) => value * other[i])))).toBeLessThan(4 / Math.sqrt(y.length));
    expect(noise(seeds, 1)).toEqual(others[0]);
    expect(noise(seeds)).toEqual(y);
  });

  it('refuses seeds that are no u32 row', () => {
    trace(() => expect(() => gaussianNoise(sample('x', [3]), [2])).toThrow(/\[gaussian_noise\] seeds must be u32/));
  });
});
