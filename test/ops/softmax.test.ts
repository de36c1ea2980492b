import { expect, it } from 'vitest';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import type { Shape } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { logSoftmax, softmax } from '../../src/ops/softmax.ts';
import { type Case, onEveryAdapter, sample, testCases, testGradient } from './harness.ts';

type Options = { dtype?: 'f32' | 'f16'; scale?: number; offset?: number };

const item = (logarithm: boolean, shape: Shape, options: Options = {}): Case => ({
  name: `${logarithm ? 'log_' : ''}softmax and its gradient [${shape}] ${JSON.stringify(options)}`,
  feature: options.dtype === 'f16' ? 'shader-f16' : undefined,
  build() {
    const x = sample('x', shape, { scale: 4, ...options });
    const y = (logarithm ? logSoftmax : softmax)(x);
    const [dx] = gradients(y, [x], sample('dy', shape, { dtype: options.dtype }));
    return { y, dx };
  },
  // dy − exp(y) Σ dy, where y was rounded to f16: up to 2⁻¹¹ · |y| of |Σ dy|, y some 10.
  tolerance: options.dtype === 'f16' && logarithm ? 2 ** -7 : undefined,
});
const both = (shape: Shape, options?: Options): Case[] => [item(false, shape, options), item(true, shape, options)];

// One column, one part, rows around its limit of 64, primes, several parts, and as many as there are.
const shapes = [[1], [1, 1], [3, 5], [2, 3, 4, 7], [67, 64], [5, 65], [3, 197], [1, 1031], [2, 65537]];

testCases([
  ...shapes.flatMap((shape) => both(shape)),
  ...shapes.flatMap((shape) => both(shape, { dtype: 'f16' })),
  ...both([4, 100], { offset: 1000 }),
  ...both([4, 100], { offset: -1000, scale: 80 }),
  ...both([70_000, 2]),
]);

onEveryAdapter((gpu) => {
  it('takes entries of −∞ as zeros, whole parts of them too', async () => {
    const columns = 100;
    const x = Float32Array.from({ length: 2 * columns }, (_, i) => (i % 16 < 2 ? i % 3 : Number.NEGATIVE_INFINITY));
    const { graph, result } = trace(() => ({ y: softmax(constant('x', x, [2, columns])) }));
    const state = new State(gpu());
    const program = await Program.compile(graph, state, result);
    const { y } = await program.run().read();
    program.destroy();
    state.destroy();
    for (const start of [0, columns]) {
      const row = x.subarray(start, start + columns);
      const total = row.reduce((sum, value) => sum + Math.exp(value), 0);
      row.forEach((value, i) => {
        expect(y[start + i]).toBeCloseTo(Math.exp(value) / total, 6);
      });
    }
  });
});

for (const [name, op] of Object.entries({ softmax, logSoftmax })) {
  testGradient(name, () => {
    const x = sample('x', [3, 7]);
    const y = op(x);
    const dy = sample('dy', [3, 7]);
    return { y, dy, targets: [x], dx: gradients(y, [x], dy) };
  });
}

it('refuses integers', () => {
  expect(() => trace(() => softmax(constant('x', Uint32Array.of(1, 2))))).toThrow(/\[softmax\] .*f32 or f16/);
  expect(() => trace(() => logSoftmax(constant('x', Uint32Array.of(1))))).toThrow(/\[log_softmax\] .*f32 or f16/);
});
