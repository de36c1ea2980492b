/** BERT: its step and its resume, which tokens are to be told and what stands in their places, what the loss is of, what guessing gives. */
import { describe, expect, it } from 'vitest';
import { tokenizerOf } from '../../src/data/captions.ts';
import { fedSamples } from '../../src/data/source.ts';
import { textSet } from '../../src/data/texts.ts';
import { distribution, tokenCounts } from '../../src/data/token_counts.ts';
import { endOfText, maskOfText, padding, startOfText, Tokenizer } from '../../src/data/tokenizer.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { maskedTokenLoss } from '../../src/losses/masked_tokens.ts';
import { bert } from '../../src/methods/bert.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { maskedRow, mostChosen } from '../../src/ssl/masked_tokens.ts';
import { random } from '../../src/ssl/rng.ts';
import { trainedParameters } from '../../src/ssl/step.ts';
import { traceStep } from '../../src/ssl/trace_step.ts';
import { learnerOf, stepParts } from '../../src/train/learner.ts';
import { sentences } from '../data/sentences.ts';
import { noise, sample, testCases } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';
import { interpretStep } from '../ssl/interpret_step.ts';
import { testMethod, tinySettings } from './harness.ts';

const small = { textWidth: 16, textLayers: 1, textHeads: 2, contextLength: 12 };
testMethod(bert, small);

const settings = tinySettings(bert, small);
const made = sentences(30, 5).map(({ text }) => text);
const texts = textSet(
  made.map((text) => [text]),
  { name: 'sentences', columns: 1, skipped: [] },
);
const tokenizer = Tokenizer.train(made);
const others = [300, 301, 302];
const shares = { maskRatio: 0.15, maskShare: 0.8, randomShare: 0.1 };

describe('the tokens that are to be told', () => {
  const length = 16;
  const rows = Array.from({ length: 4000 }, (_, i) => {
    const row = tokenizer.row(made[i % made.length], length);
    return { row, masked: maskedRow(row, shares, random(1, 2, i), others) };
  });

  it('are a share of each row, all of them different, and no start, end or padding', () => {
    for (const { row, masked } of rows) {
      const { places, tokens } = masked;
      expect(places).toHaveLength(Math.max(1, Math.round(0.15 * (row.count - 2))));
      expect(new Set(places).size).toBe(places.length);
      expect(places.every((place) => place >= 1 && place < row.count - 1)).toBe(true);
      expect(tokens).toEqual(places.map((place) => row.ids[place]));
      expect(tokens.some((token) => [startOfText, endOfText, padding].includes(token))).toBe(false);
    }
  });

  it('are each as often', () => {
    const counts = new Map<number, number>();
    const ofTen = rows.filter(({ row }) => row.count === rows[0].row.count);
    for (const { masked } of ofTen) for (const place of masked.places) counts.set(place, (counts.get(place) ?? 0) + 1);
    const expected = ofTen.length * (rows[0].masked.places.length / (rows[0].row.count - 2));
    expect(counts.size).toBe(rows[0].row.count - 2);
    for (const count of counts.values()) expect(Math.abs(count - expected)).toBeLessThan(5 * Math.sqrt(expected));
  });

  it('are masks in 8 of 10 places, others in 1 and themselves in 1; nothing else is changed', () => {
    const found = { mask: 0, other: 0, same: 0 };
    for (const { row, masked } of rows) {
      masked.ids.forEach((token, place) => {
        const i = masked.places.indexOf(place);
        if (i < 0) expect(token).toBe(row.ids[place]);
        else found[token === maskOfText ? 'mask' : token === masked.tokens[i] ? 'same' : 'other']++;
      });
    }
    const all = found.mask + found.other + found.same;
    // A token that is drawn for another may be the same.
    for (const [name, share] of [
      ['mask', 0.8],
      ['other', 0.1],
      ['same', 0.1],
    ] as const)
      expect(Math.abs(found[name] / all - share), name).toBeLessThan(0.02);
  });

  it('follow from the draws alone, and differ with them', () => {
    const [{ row }] = rows;
    const of = (seed: number) => maskedRow(row, { ...shares, maskRatio: 0.5 }, random(seed), others);
    expect(of(3)).toEqual(of(3));
    expect(new Set(Array.from({ length: 20 }, (_, i) => of(i).places.join())).size).toBeGreaterThan(15);
  });

  it('are none of a text without any, and at most as many as a row has room for', () => {
    const none = maskedRow(tokenizer.row('', 5), shares, random(1), others);
    expect(none).toEqual({ ids: tokenizer.row('', 5).ids, places: [], tokens: [] });
    for (const [length, ratio] of [
      [3, 0.15],
      [16, 0.15],
      [32, 0.5],
    ] as const) {
      const row = tokenizer.row('a dog '.repeat(40), length);
      const { places } = maskedRow(row, { ...shares, maskRatio: ratio }, random(1), others);
      expect(places).toHaveLength(mostChosen(length, { maskRatio: ratio }));
    }
  });
});

describe('inputs of a step', () => {
  const length = small.contextLength;
  const indices = Uint32Array.of(3, 16, 0, 7);
  const fed = (epoch: number, set = texts) => {
    const [{ feeds }] = traceStep(stepParts(fedSamples(set), settings)).phases;
    return feeds.values({ seed: 1, step: 1, epoch, steps: 40, perEpoch: 4, indices, first: 0 }) as Record<
      string,
      Uint32Array
    >;
  };
  const restored = (values: Record<string, Uint32Array>, of = indices) => {
    const ids = values['tokens'].slice();
    values['masked places'].forEach((place, i) => {
      if (values['masked weights'][i] === 1) ids[place] = values['masked tokens'][i];
    });
    return Array.from(of, (_, i) => ids.slice(i * length, (i + 1) * length));
  };

  it('make up the texts', () => {
    const values = fed(0);
    const tokenizer = tokenizerOf(texts.texts);
    expect(restored(values)).toEqual(Array.from(indices, (i) => tokenizer.row(made[i], length).ids));
    expect(values['masked weights'].reduce((sum, weight) => sum + weight, 0)).toBeGreaterThanOrEqual(4);
    const seen = values['seen tokens'];
    values['masked places'].forEach((place, i) => expect(seen[place], String(i)).toBe(1));
  });

  it('are other places in another epoch, and the same ones again', () => {
    expect(fed(1)).toEqual(fed(1));
    const places = [0, 1, 2, 3].map((epoch) => fed(epoch)['masked places'].join());
    expect(new Set(places).size).toBeGreaterThan(2);
  });

  it('take the texts of a row in their turn', () => {
    const pairs = textSet(
      made.map((text, i) => [text, made[(i + 1) % made.length]]),
      { name: 'pairs', columns: 2, skipped: [] },
    );
    const first = (epoch: number) => restored(fed(epoch, pairs))[0];
    expect(first(2)).toEqual(first(0));
    expect(first(1)).not.toEqual(first(0));
  });
});

describe('the loss', () => {
  const V = 7;
  const tokens = Uint32Array.of(3, 0, 6, 2);
  const traced = (logits: Float32Array, weights: readonly number[]) => {
    const { graph, result } = trace(() => {
      const x = constant('logits', logits, [4, V]);
      const { loss, accuracy } = maskedTokenLoss(
        x,
        constant('tokens', tokens),
        constant('weights', Float32Array.from(weights)),
      );
      return { loss, accuracy, dx: gradients(loss, [x])[0] };
    });
    const values = interpret(graph);
    return {
      ...result,
      loss: values.get(result.loss)![0],
      accuracy: values.get(result.accuracy)![0],
      dx: values.get(result.dx)!,
    };
  };

  it('is log V of logits that are all alike, whatever the weights', () => {
    for (const weights of [
      [1, 1, 1, 1],
      [0, 1, 0, 1],
    ])
      expect(traced(new Float32Array(4 * V), weights).loss).toBeCloseTo(Math.log(V), 6);
  });

  it('is the mean over chosen tokens, and the others have no gradient', () => {
    const logits = noise(4 * V, 3);
    const own = (row: number) => {
      const x = Array.from(logits.slice(row * V, (row + 1) * V));
      return Math.log(x.reduce((sum, value) => sum + Math.exp(value), 0)) - x[tokens[row]];
    };
    const { loss, dx } = traced(logits, [1, 0, 1, 0]);
    expect(loss).toBeCloseTo((own(0) + own(2)) / 2, 6);
    for (const [row, weight] of [1, 0, 1, 0].entries())
      expect(dx.slice(row * V, (row + 1) * V).some((value) => value !== 0)).toBe(weight === 1);
  });

  it('and the accuracy are of chosen tokens alone, and 0 where none is', () => {
    const sure = new Float32Array(4 * V);
    tokens.forEach((token, row) => (sure[row * V + (row === 1 ? token + 1 : token)] = 20));
    expect(traced(sure, [1, 0, 1, 1])).toMatchObject({ accuracy: 1 });
    expect(traced(sure, [1, 1, 0, 0])).toMatchObject({ accuracy: 0.5 });
    const none = traced(noise(4 * V, 3), [0, 0, 0, 0]);
    expect([none.loss, none.accuracy]).toEqual([0, 0]);
    expect(none.dx.every((value) => value === 0)).toBe(true);
  });

  testCases([
    {
      name: 'masked tokens and their gradient',
      build() {
        const logits = sample('logits', [4, V], { scale: 2 });
        const weights = constant('weights', Float32Array.of(1, 0, 1, 1));
        const { loss, accuracy } = maskedTokenLoss(logits, constant('tokens', tokens), weights);
        return { loss, accuracy, dlogits: gradients(loss, [logits])[0] };
      },
    },
  ]);
});

it('every part gets a gradient', () => {
  const parts = stepParts(fedSamples(texts), settings);
  const values = interpretStep(traceStep(parts), parts, Uint32Array.of(3, 16, 0, 7), { step: 3, epoch: 2, lr: 1 });
  for (const { tensor } of trainedParameters(parts.learner)) {
    const before = tensor.origin.kind === 'variable' ? tensor.origin.init!() : [];
    expect(
      values.get(tensor)!.some((value, i) => value !== before[i]),
      tensor.name,
    ).toBe(true);
  }
});

describe('what guessing gives', () => {
  it('is the entropy of tokens, and the share of the most frequent one', () => {
    expect(distribution([0, 2, 2, 0])).toEqual({ largest: 0.5, entropy: Math.log(2) });
    expect(distribution([7])).toEqual({ largest: 1, entropy: -0 });
    const counts = tokenCounts(texts.texts);
    const all = made.flatMap((text) => tokenizer.encode(text));
    expect(counts.reduce((a, b) => a + b)).toBe(all.length);
    expect(counts[all[0]]).toBe(all.filter((token) => token === all[0]).length);
    const { chance, metrics } = stepParts(fedSamples(texts), settings).learner;
    const { largest, entropy } = distribution(counts);
    expect(chance).toMatchObject({ loss: entropy, accuracy: largest });
    expect(metrics!['perplexity'].guess).toBeCloseTo(Math.exp(entropy));
    expect(entropy).toBeLessThan(Math.log(tokenizer.size) - 2);
  });

  it('is as if all tokens were as frequent where the texts are not at hand', () => {
    const { chance } = learnerOf(settings, { count: 9, classes: 0, merges: [], texts: { columns: 1 } });
    expect(chance!.loss).toBeCloseTo(Math.log(259), 6);
  });
});

describe('settings', () => {
  it.each([
    [{ textHeads: 3 }, '--text-width 16 must be a multiple of --text-heads 3'],
    [{ maskShare: 0.8, randomShare: 0.3 }, '--mask-share 0.8 and --random-share 0.3 are more than 1 together'],
    [{ maskRatio: 0 }, '--mask-ratio'],
    [{ pooling: 'eot' }, '--pooling'],
  ] as const)('%o are refused in one line', (given, message) => {
    expect(() => tinySettings(bert, { ...small, ...given })).toThrow(message);
  });
});
