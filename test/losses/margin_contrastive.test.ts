import { expect, it } from 'vitest';
import { constant, input, trace } from '../../src/graph/trace.ts';
import { marginContrastive } from '../../src/losses/margin_contrastive.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { type Case, sample, testCases, testGradient } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';

const classes = (n: number) =>
  constant(
    'same',
    Float32Array.from({ length: n }, (_, i) => i % 2),
  );

const pairCase = (n: number, d: number, dtype: 'f32' | 'f16' = 'f32'): Case => ({
  name: `margin_contrastive, [${n}, ${d}] and its gradients, ${dtype}`,
  ...(dtype === 'f16' && { feature: 'shader-f16' }),
  build() {
    const rows = ['x', 'y'].map((name) => sample(name, [n, d], { dtype, scale: 0.5 }));
    const loss = marginContrastive(rows[0], rows[1], classes(n), { margin: 2 });
    const [dx, dy] = gradients(loss, rows, sample('dloss', [1], { offset: 3 }));
    return { loss, dx, dy };
  },
  tolerance: 3e-6,
});

testCases([pairCase(7, 5), pairCase(65, 19), pairCase(5, 13, 'f16')]);

testGradient('margin_contrastive', () => {
  const targets = ['x', 'y'].map((name, i) => sample(name, [5, 3], { seed: 30 + i, scale: 0.5 }));
  const y = marginContrastive(targets[0], targets[1], classes(5), { margin: 1.2 });
  const dy = sample('dloss', [1], { offset: 3 });
  return { y, dy, targets, dx: gradients(y, targets, dy) };
});

it('margin_contrastive by hand', () => {
  const rows = (...values: number[]) => constant('rows', Float32Array.from(values), [3, 2]);
  const { graph, result } = trace(() => {
    const same = constant('same', Float32Array.of(1, 0, 0));
    return marginContrastive(rows(0, 0, 0, 0, 0, 0), rows(3, 4, 3, 4, 6, 8), same, { margin: 7 });
  });
  expect(interpret(graph).get(result)![0]).toBeCloseTo((25 + 4 + 0) / 3, 9);
});

it('margin_contrastive refuses classes that are not one for each pair', () => {
  const [x, same] = [input('x', [4, 3], 'f32'), input('same', [3], 'f32')];
  expect(() => trace(() => marginContrastive(x, x, same, { margin: 1 }))).toThrow(
    'same must be one number for each pair',
  );
});
