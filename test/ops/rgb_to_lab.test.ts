import { expect, it } from 'vitest';
import { imagenetColours } from '../../src/data/preparation.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { type LabOptions, rgbToLab } from '../../src/ops/rgb_to_lab.ts';
import { interpret } from '../reference/interpreter.ts';
import { type Case, sample, testCases } from './harness.ts';

const plain = { mean: [0, 0, 0], std: [1, 1, 1] } as const;

const views = (shape: readonly number[], options: LabOptions, scale = 0.5, offset = 0.5): Case => ({
  name: `rgb_to_lab [${shape}] of ${offset} ± ${scale}, ${options.channels?.map(({ of }) => of) ?? 'all channels'}`,
  build: () => ({ lab: rgbToLab(sample('x', shape, { scale, offset }), options) }),
});

testCases([
  views([1, 1, 1, 4], plain),
  views([3, 5, 7, 4], plain),
  views([2, 33, 65, 4], imagenetColours, 2.5, 0), // beyond 0 and 1 too, which clamps
  views([1, 9, 9, 4], plain, 0.02, 0.02), // where both curves are straight
  views([1, 5, 5, 4], { ...plain, channels: [{ of: 'b', center: 5, scale: 0.04 }] }),
  views([1, 5, 5, 4], { ...plain, channels: Array(3).fill({ of: 'L', center: 50, scale: 0.04 }) }),
]);

it('greys have no colour, and white is 100', () => {
  const greys = Float32Array.of(0, 0, 0, 0, 0.5, 0.5, 0.5, 0, 1, 1, 1, 0);
  const { graph, result } = trace(() => rgbToLab(constant('greys', greys, [1, 1, 3, 4]), plain));
  const lab = interpret(graph).get(result)!;
  const wanted = [0, 0, 0, 0, 53.39, 0, 0, 0, 100, 0, 0, 0];
  wanted.forEach((value, i) => expect(lab[i]).toBeCloseTo(value, 1));
});

it('rgb_to_lab wants images of four channels, and one channel of Lab at least', () => {
  expect(() => trace(() => rgbToLab(sample('x', [1, 2, 2, 3]), plain))).toThrow('the input must be f32 [N, H, W, 4]');
  expect(() => trace(() => rgbToLab(sample('x', [1, 2, 2, 4]), { ...plain, channels: [] }))).toThrow('0 channels');
});
