import { expect, it } from 'vitest';
import { constant, trace } from '../../src/graph/trace.ts';
import { blockTargets } from '../../src/losses/block_targets.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { sum } from '../../src/ops/reduce.ts';
import { noise, sample, testCases } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';

const [N, L, D] = [2, 4, 6];
/** The second image's first and last patch, the first image's second. */
const rows = () => constant('rows', Uint32Array.of(4, 1, 7));

testCases([
  {
    name: 'targets of three patches, of two blocks',
    build: () => ({ y: blockTargets([sample('a', [N, 1 + L, D]), sample('b', [N, 1 + L, D], { offset: 3 })], rows()) }),
  },
]);

it('are means of normalised tokens of the patches, not of the class token', () => {
  const blocks = [noise(N * (1 + L) * D, 1), noise(N * (1 + L) * D, 2, 5, 3)];
  const { graph, result } = trace(() =>
    blockTargets(
      blocks.map((values, i) => constant(`block ${i}`, values, [N, 1 + L, D])),
      rows(),
    ),
  );
  const actual = interpret(graph).get(result)!;
  [4, 1, 7].forEach((row, m) => {
    const token = Math.floor(row / L) * (1 + L) + 1 + (row % L);
    const normalised = blocks.map((values) => {
      const own = [...values.slice(token * D, (token + 1) * D)];
      const mean = own.reduce((a, b) => a + b) / D;
      const variance = own.reduce((a, b) => a + (b - mean) ** 2, 0) / D;
      return own.map((value) => (value - mean) / Math.sqrt(variance + 1e-5));
    });
    for (let d = 0; d < D; d++) expect(actual[m * D + d]).toBeCloseTo((normalised[0][d] + normalised[1][d]) / 2, 6);
  });
});

it('are constant to whoever differentiates', () => {
  const block = sample('block', [N, 1 + L, D]);
  expect(() => trace(() => gradients(sum(blockTargets([block], rows())), [block]))).toThrow(
    'the loss does not depend on',
  );
});
