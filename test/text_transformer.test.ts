/** The transformer of texts: what tokens see of each other, what stands for a text, and that kernels agree with the reference. */
import { describe, expect, it } from 'vitest';
import { constant, trace } from '../src/graph/trace.ts';
import { countNumbers } from '../src/nn/module.ts';
import { type TextOptions, TextTransformer } from '../src/nn/text_transformer.ts';
import { gradients } from '../src/ops/gradients.ts';
import { sample, testCases, testGradient } from './ops/harness.ts';
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

describe('dropout', () => {
  const p = 0.2;
  const [layers, many] = [2, 40];
  const rows = Array.from({ length: many }, (_, i) => texts[i % 2]);
  const seen = () =>
    constant(
      'seen of many',
      Float32Array.from({ length: many * context }, (_, i) => Number(i % (2 * context) < 10)),
      [many, context],
    );
  const seedsOf = (seed: number) => constant('seeds', Uint32Array.of(seed));
  const training = (seed = 1) => ({ training: true, seeds: seedsOf(seed) });
  const traced = (mode: { training: boolean; seed?: number }, { dropout }: { dropout?: number } = { dropout: p }) => {
    const network = new TextTransformer('text', { ...small, layers, pooling: 'mean', dropout });
    const { graph, result } = trace(() => {
      const asked = { training: mode.training, ...(mode.seed !== undefined && { seeds: seedsOf(mode.seed) }) };
      const [first, second] = [1, 2].map(() => network.forward(idsOf(rows), asked, { seen: seen() }));
      return { first, second };
    });
    const values = interpret(graph);
    const nodes = graph.nodes.filter(({ op }) => op.name === 'dropout');
    return { graph, nodes, values, first: [...values.get(result.first)!], second: [...values.get(result.second)!] };
  };

  it('drops a share p of tokens with positions, of attention and of what blocks add; the others are 1 / (1 − p) times as large', () => {
    const { nodes, values } = traced({ training: true, seed: 1 });
    const shapes = [
      [many, context, 8],
      ...Array.from({ length: layers }, () => [
        [2 * many, context, context],
        [many, context, 8],
        [many, context, 8],
      ]).flat(),
    ];
    expect(nodes.map(({ outputs: [y] }) => y.shape)).toEqual([...shapes, ...shapes]);
    for (const { inputs, outputs } of nodes) {
      const [x, y] = [values.get(inputs[0])!, values.get(outputs[0])!];
      const full = [...y.keys()].filter((i) => x[i] !== 0);
      const left = full.filter((i) => y[i] !== 0);
      expect(Math.abs(left.length / full.length - (1 - p))).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / full.length));
      for (const i of left) expect(y[i] / x[i]).toBeCloseTo(1 / (1 - p), 6);
    }
  });

  it('differs in each pass and in each step, and is the same where a pass is recorded again', () => {
    const [one, again, other] = [1, 1, 2].map((seed) => traced({ training: true, seed }));
    expect(one.second).not.toEqual(one.first);
    expect(other.first).not.toEqual(one.first);
    expect([again.first, again.second]).toEqual([one.first, one.second]);
    const masks = one.nodes.map(({ inputs, outputs: [y] }) => {
      const [before, after] = [one.values.get(inputs[0])!, one.values.get(y)!];
      return Array.from(after, (value, i) => Number(value === 0 && before[i] !== 0)).join('');
    });
    expect(new Set(masks).size).toBe(masks.length);
  });

  it('is none in inference, nor is anything recorded of it with 0', () => {
    const names = ({ graph }: ReturnType<typeof traced>) => graph.nodes.map(({ op }) => op.name);
    const plain = traced({ training: true, seed: 1 }, {});
    expect(plain.nodes).toEqual([]);
    for (const same of [
      traced({ training: true, seed: 1 }, { dropout: 0 }),
      traced({ training: false, seed: 1 }),
      traced({ training: true }),
    ]) {
      expect(names(same)).toEqual(names(plain));
      expect([same.first, same.second]).toEqual([plain.first, plain.first]);
    }
  });

  const passed = (pooling: TextOptions['pooling']) => {
    const network = new TextTransformer('text', { ...small, pooling, layers: 1, dropout: 0.3 });
    const y = network.forward(idsOf(texts), training(), ends());
    const targets = network.parameters
      .filter(({ tensor }) => /positional|attn\.qkv\.weight|fc2\.weight/.test(tensor.name))
      .map(({ tensor }) => tensor);
    const dy = sample('dy', [2, 8]);
    return { y, dy, targets, dx: gradients(y, targets, dy) };
  };
  testCases(
    (['eot', 'cls'] as const).map((pooling) => ({
      name: `features and gradients with dropout, ${pooling}`,
      build() {
        const { y, dx } = passed(pooling);
        return { y, ...Object.fromEntries(dx.map((each, i) => [`dx${i}`, each])) };
      },
    })),
  );
  testGradient('a transformer of texts with dropout', () => passed('eot'));
});

it('tokens have become the same, whether they stand for a text or are asked for', () => {
  const network = new TextTransformer('text', small);
  const last = [3, 11];
  const { graph, result } = trace(() => ({
    pooled: network.forward(idsOf(texts), inference, ends()),
    asked: network.tokens(idsOf(texts), constant('rows', Uint32Array.from([...last, 0])), inference, ends()),
  }));
  const values = interpret(graph);
  expect(result.asked.shape).toEqual([3, 8]);
  expect(values.get(result.asked)!.slice(0, 16)).toEqual(values.get(result.pooled)!);
});
