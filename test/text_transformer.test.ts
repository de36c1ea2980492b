/** The transformer of texts: what tokens see of each other, what stands for a text, and that kernels agree with the reference. */
import { describe, expect, it } from 'vitest';
import { constant, trace } from '../src/graph/trace.ts';
import { countNumbers } from '../src/nn/module.ts';
import { type TextOptions, TextTransformer } from '../src/nn/text_transformer.ts';
import { gradients } from '../src/ops/gradients.ts';
import { sample, testCases } from './ops/harness.ts';
import { interpret } from './reference/interpreter.ts';

const context = 6;
const small: TextOptions = {
  ...{ vocabulary: 20, width: 8, layers: 2, heads: 2, context, pooling: 'eot', seed: 1 },
};
const inference = { training: false };

/** Rows of two texts, and where they end. */
const texts = [
  [1, 7, 9, 2, 0, 0],
  [1, 4, 5, 6, 19, 2],
];
const counts = [4, 6];

function features(pooling: TextOptions['pooling'], rows: readonly (readonly number[])[] = texts): number[] {
  const network = new TextTransformer('text', { ...small, pooling });
  const { graph, result } = trace(() => network.forward(idsOf(rows), inference, ends()));
  expect(result.shape).toEqual([2, 8]);
  return [...interpret(graph).get(result)!];
}

const idsOf = (rows: readonly (readonly number[])[]) => constant('ids', Uint32Array.from(rows.flat()));
const ends = () => ({
  last: constant(
    'last',
    Uint32Array.from(counts, (count, i) => context * i + count - 1),
  ),
  seen: constant(
    'seen',
    Float32Array.from(counts.flatMap((count) => Array.from({ length: context }, (_, t) => Number(t < count)))),
    [2, context],
  ),
});

/** The texts with another token in a place of the first. */
const changed = (place: number) => [texts[0].map((token, i) => (i === place ? 13 : token)), texts[1]];

describe.each(['eot', 'cls', 'mean'] as const)('pooling %s', (pooling) => {
  it('does not see padding', () => {
    expect(features(pooling, changed(4))).toEqual(features(pooling));
  });

  it.each([0, 1, 2, 3])('sees token %d of its text and of no other', (place) => {
    const [before, after] = [features(pooling), features(pooling, changed(place))];
    expect(after.slice(0, 8)).not.toEqual(before.slice(0, 8));
    expect(after.slice(8)).toEqual(before.slice(8));
  });
});

it('with eot a token sees those before it only', () => {
  const network = new TextTransformer('text', small);
  const firstOf = (rows: readonly (readonly number[])[]) => {
    const { graph, result } = trace(() =>
      network.forward(idsOf(rows), inference, { last: constant('last', Uint32Array.of(1, 7)) }),
    );
    return [...interpret(graph).get(result)!];
  };
  expect(firstOf(changed(2))).toEqual(firstOf(texts));
  expect(firstOf(changed(1))).not.toEqual(firstOf(texts));
});

it('asks where texts end', () => {
  const network = new TextTransformer('text', { ...small, pooling: 'mean' });
  expect(() => trace(() => network.forward(idsOf(texts), inference, { last: ends().last }))).toThrow(
    'pooling mean needs to know where texts end',
  );
});

it('has CLIP’s number of parameters at CLIP’s size', () => {
  const options = { vocabulary: 49_408, width: 512, layers: 12, heads: 8, context: 77 };
  // Of clip.load('ViT-B/32'): token_embedding, positional_embedding, transformer, ln_final.
  expect(countNumbers(new TextTransformer('text', { ...small, ...options }).parameters)).toBe(63_165_952);
});

testCases(
  (['eot', 'mean'] as const).map((pooling) => ({
    name: `features and gradients of a transformer of texts, ${pooling}`,
    build() {
      const network = new TextTransformer('text', { ...small, pooling, layers: 1 });
      const y = network.forward(idsOf(texts), { training: true }, ends());
      const [tokens, positions, qkv] = network.parameters
        .filter(({ tensor }) => /token_embedding|positional|attn\.qkv\.weight/.test(tensor.name))
        .map(({ tensor }) => tensor);
      const [dtokens, dpositions, dqkv] = gradients(y, [tokens, positions, qkv], sample('dy', [2, 8]));
      return { y, dtokens, dpositions, dqkv };
    },
  })),
);
