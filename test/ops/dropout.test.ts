import { expect, it } from 'vitest';
import type { Shape } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { dropout } from '../../src/ops/dropout.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { interpret } from '../reference/interpreter.ts';
import { type Case, sample, testCases, testGradient } from './harness.ts';

const seeds = constant('seeds', Uint32Array.of(1, 0xdeadbeef, 42));

const dropped = (shape: Shape, p: number, dtype?: 'f16'): Case => ({
  name: `dropout and its gradient ${dtype ?? 'f32'} [${shape}], p = ${p}`,
  feature: dtype && 'shader-f16',
  build() {
    const x = sample('x', shape, { dtype });
    const y = dropout(dropout(x, { p, seeds }), { p: 0.25, seeds });
    const [dx] = gradients(y, [x], sample('dy', shape, { dtype }));
    return { y, dx };
  },
});

testCases([[1], [63], [2, 5, 13], [1031]].flatMap((shape) => [dropped(shape, 0.5), dropped(shape, 0.1, 'f16')]));

testGradient('dropout', () => {
  const x = sample('x', [23]);
  const y = dropout(x, { p: 0.3, seeds });
  const dy = sample('dy', [23]);
  return { y, dy, targets: [x], dx: gradients(y, [x], dy) };
});

/** What the reference keeps of ones. */
function kept(options: { p: number; seeds: typeof seeds; salt?: number }, before = 0): boolean[] {
  const { graph, result } = trace(() => {
    const x = constant('ones', new Float32Array(20_000).fill(1));
    for (let i = 0; i < before; i++) dropout(x, options);
    return dropout(x, options);
  });
  return Array.from(interpret(graph).get(result)!, (value) => value > 0);
}

it('drops a share of p, other elements for other seeds, salts and dropouts of a program', () => {
  const p = 0.3;
  const share = (mask: boolean[]) => mask.filter((value) => value).length / mask.length;
  const masks = [
    kept({ p, seeds }),
    kept({ p, seeds }, 1),
    kept({ p, seeds, salt: 7 }),
    kept({ p, seeds: constant('others', Uint32Array.of(1, 0xdeadbeef, 43)) }),
  ];
  masks.forEach((mask, index) => {
    expect(Math.abs(share(mask) - (1 - p))).toBeLessThan(0.015); // 4 standard deviations
    for (const other of masks.slice(index + 1)) {
      const equal = share(mask.map((value, i) => value === other[i]));
      expect(Math.abs(equal - (p ** 2 + (1 - p) ** 2))).toBeLessThan(0.015);
    }
  });
  expect(kept({ p, seeds, salt: 1 })).toEqual(masks[1]);
});

it('gives x itself for p = 0, and refuses p = 1', () => {
  trace(() => {
    const x = sample('x', [3]);
    expect(dropout(x, { p: 0, seeds })).toBe(x);
    expect(() => dropout(x, { p: 1, seeds })).toThrow(/\[dropout\] p = 1/);
    expect(() => dropout(x, { p: 0.5, seeds: x })).toThrow(/\[dropout\] seeds must be u32/);
  });
});
