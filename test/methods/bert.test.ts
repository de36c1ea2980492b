/** BERT: its step and its resume, what a step is given, what learns, what guessing gives. */
import { describe, expect, it } from 'vitest';
import { fedSamples } from '../../src/data/source.ts';
import { textSet } from '../../src/data/texts.ts';
import { distribution, tokenCounts } from '../../src/data/token_counts.ts';
import { tokenizerOf } from '../../src/data/tokenizer.ts';
import { bert } from '../../src/methods/bert.ts';
import { trainedParameters } from '../../src/ssl/step.ts';
import { traceStep } from '../../src/ssl/trace_step.ts';
import { learnerOf, stepParts } from '../../src/train/learner.ts';
import { sentences } from '../data/sentences.ts';
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
const tokenizer = tokenizerOf(texts.texts);

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
