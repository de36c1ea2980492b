import { expect, it } from 'vitest';
import type { Shape } from '../../src/graph/tensor.ts';
import { constant, flatVariable, trace, variable } from '../../src/graph/trace.ts';
import { type ClipAttrs, clipGradNorm } from '../../src/ops/clip_grad_norm.ts';
import { interpret } from '../reference/interpreter.ts';
import { type Case, noise, sample, testCases } from './harness.ts';

const shapes: readonly Shape[] = [[1], [7, 9], [513], [3, 1367], [9000]];

const weightsOf = () =>
  flatVariable(
    'weights',
    shapes.map((shape, i) => variable(`p${i}`, shape)),
  );

/** Gradients whose norms grow from tensor to tensor; the last ones' are above 1. */
function gradientsOf(weights: ReturnType<typeof weightsOf>) {
  const whole = new Float32Array(weights.size);
  for (const [i, { size, flat }] of weights.members.entries())
    whole.set(noise(size, i + 1, 0.01 * 2 ** i), flat!.offset);
  return constant('gradients', whole);
}

const limits: ClipAttrs[] = (['all', 'tensor'] as const).flatMap((per) =>
  [0.1, 3, 1000].map((maxNorm) => ({ maxNorm, per })),
);

testCases([
  ...limits.map(
    (attrs): Case => ({
      name: `norm of ${attrs.per === 'all' ? 'all' : 'each tensor'} at most ${attrs.maxNorm}`,
      build() {
        const weights = weightsOf();
        return { clipped: clipGradNorm(gradientsOf(weights), weights, attrs) };
      },
    }),
  ),
  {
    name: 'of scaled gradients, the norm counts without the scale',
    build() {
      const weights = weightsOf();
      const scalerStep = constant('scaler step', Float32Array.of(1 / 1024, 3));
      return { clipped: clipGradNorm(gradientsOf(weights), weights, { maxNorm: 1e-3, per: 'all' }, scalerStep) };
    },
  },
]);

/** Norms of the members after clipping, by the reference. */
function normsOf(attrs: ClipAttrs): number[] {
  const weights = weightsOf();
  const { graph, result } = trace(() => clipGradNorm(gradientsOf(weights), weights, attrs));
  const values = interpret(graph).get(result)!;
  return weights.members.map(({ size, flat }) => Math.hypot(...values.subarray(flat!.offset, flat!.offset + size)));
}

it('the norm of all is the limit, and the directions stay', () => {
  const [before, after] = [normsOf({ maxNorm: 1e6, per: 'all' }), normsOf({ maxNorm: 0.5, per: 'all' })];
  expect(Math.hypot(...after)).toBeCloseTo(0.5, 5);
  for (const [i, norm] of after.entries()) expect(norm / before[i]).toBeCloseTo(after[0] / before[0], 10);
});

it('each tensor is clipped alone: short ones stay as they are', () => {
  const [before, after] = [normsOf({ maxNorm: 1e6, per: 'tensor' }), normsOf({ maxNorm: 0.3, per: 'tensor' })];
  expect(before.some((norm) => norm < 0.3) && before.some((norm) => norm > 0.3)).toBe(true);
  for (const [i, norm] of after.entries()) expect(norm).toBeCloseTo(Math.min(0.3, before[i]), 5);
});

it('refuses gradients that are not flat, and a limit of 0', () => {
  const weights = weightsOf();
  const clip = (maxNorm: number, gradients = gradientsOf(weights)) =>
    trace(() => clipGradNorm(gradients, weights, { maxNorm, per: 'all' }));
  expect(() => clip(0)).toThrow(/^\[clip_grad_norm\] /);
  expect(() => clip(1, sample('x', [5]))).toThrow(/^\[clip_grad_norm\] /);
});
