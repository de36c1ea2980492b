/** Which kernels a transformer's attention takes: of shapes alone, nothing is run. */
import { expect, it } from 'vitest';
import { constant, input, trace } from '../src/graph/trace.ts';
import { Attention } from '../src/nn/transformer.ts';

const opsOf = (tokens: number, dimensions = 48, dropout = 0) => {
  const attention = new Attention('attention', { dimensions, heads: 3, seed: 1, dropout });
  const seeds = constant('seeds', Uint32Array.of(1));
  const x = input('x', [2, tokens, dimensions], 'f32');
  const { graph } = trace(() => attention.forward(x, { training: true, seeds }));
  return new Set(graph.nodes.map(({ op }) => op.name));
};

it('scores of all pairs are stored unless they are more than every device can bind', () => {
  // 2 images × 3 heads × T² × 4 bytes, and 128 MiB.
  expect([opsOf(2364).has('softmax'), opsOf(2364).has('attention')]).toEqual([true, false]);
  expect([opsOf(2365).has('softmax'), opsOf(2365).has('attention')]).toEqual([false, true]);
});

it('heads of more numbers than the fused kernels hold are stored at any length', () => {
  expect(opsOf(2400, 3 * 68).has('softmax')).toBe(true);
});

it('what is dropped of is stored at any length', () => {
  expect([opsOf(2400, 48, 0.1).has('softmax'), opsOf(2400, 48, 0.1).has('attention')]).toEqual([true, false]);
});
