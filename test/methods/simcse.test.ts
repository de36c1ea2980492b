/** SimCSE: its step and its resume, of lines and of triplets; what its passes are; which settings are refused. */
import { describe, expect, it, vi } from 'vitest';
import { TextEmbedder } from '../../src/analysis/embed_texts.ts';
import type { Dataset } from '../../src/data/dataset.ts';
import { fedSamples } from '../../src/data/source.ts';
import { type TextColumns, type TextSet, textSet } from '../../src/data/texts.ts';
import { tokenizerOf } from '../../src/data/tokenizer.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import { trace } from '../../src/graph/trace.ts';
import { simcse } from '../../src/methods/simcse.ts';
import { type EncoderOfTexts, takesTexts } from '../../src/nn/encoder.ts';
import { dropoutOp } from '../../src/ops/dropout.ts';
import { StepFeeds } from '../../src/ssl/feeds.ts';
import type { Learner } from '../../src/ssl/method.ts';
import { random } from '../../src/ssl/rng.ts';
import { dropoutSeeds, trainingMode } from '../../src/ssl/step.ts';
import { traceStep } from '../../src/ssl/trace_step.ts';
import { compileTraining, learnerOf, stepParts } from '../../src/train/learner.ts';
import type { GivenSettings } from '../../src/train/settings.ts';
import { changed, drawnMeaning, said } from '../data/sentences.ts';
import { adapters } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';
import { images, testMethod, tinySettings } from './harness.ts';

vi.setConfig({ testTimeout: 180_000 });

const small = { textWidth: 16, textLayers: 1, textHeads: 2, contextLength: 10 };

/** So many rows: a sentence, another way to say it, and one that says something else. */
const rowsOf = (columns: TextColumns, count = 17): TextSet =>
  textSet(
    Array.from({ length: count }, (_, i) => {
      const draws = random(5, i);
      const meaning = drawnMeaning(draws);
      return [said(meaning, draws), said(meaning, draws), said(changed(meaning, 1, draws), draws)].slice(0, columns);
    }),
    { name: 'rows', columns, skipped: [] },
  );
const triplets: Dataset<TextSet> = {
  ...{ kind: 'texts', train: rowsOf(3), description: '', measured: '', files: [], leftOut: [], unusedExcludes: [] },
  close: () => {},
};

describe('of lines', () => testMethod(simcse, small));
describe('of triplets', () => testMethod(simcse, { ...small, pooling: 'eot' }, triplets));

/** What a step embeds, [views · N, D] in float64. */
function embedded(given: GivenSettings, set = rowsOf(1), mode = { training: true }): Float64Array[] {
  const settings = tinySettings(simcse, { ...small, ...given });
  const { learner } = stepParts(fedSamples(set), settings);
  const feeds = StepFeeds.of(set, 4);
  const { graph, result } = trace(() => learner.split!.embed([], feeds, mode.training ? trainingMode(settings) : mode));
  const time = { seed: 1, step: 1, epoch: 0, steps: 8, perEpoch: 4, indices: Uint32Array.of(3, 16, 0, 7), first: 0 };
  const values: Record<string, ArrayLike<number>> = { ...feeds.values(time), [dropoutSeeds.name]: Uint32Array.of(9) };
  const inputs = graph.nodes.flatMap((node) => node.inputs).filter(({ origin }) => origin.kind === 'input');
  const given64 = new Map(inputs.map((tensor) => [tensor, Float64Array.from(values[tensor.name])] as const));
  const z = interpret(graph, given64).get(result)!;
  const width = z.length / result.shape[0];
  return Array.from({ length: result.shape[0] }, (_, i) => Float64Array.from(z.slice(i * width, (i + 1) * width)));
}

describe('two passes of a text', () => {
  it('differ by dropout, which draws anew for each', () => {
    const rows = embedded({});
    for (let i = 0; i < 4; i++) expect(rows[i]).not.toEqual(rows[i + 4]);
  });

  it('are the same in inference, where nothing is dropped', () => {
    const rows = embedded({}, rowsOf(1), { training: false });
    for (let i = 0; i < 4; i++) expect(rows[i]).toEqual(rows[i + 4]);
  });

  it.each(['deletion', 'replacement'] as const)(
    'differ by %s of words where nothing is dropped',
    (textAugmentation) => {
      const rows = embedded({ dropout: 0, textAugmentation, augmentationShare: 0.5 });
      const differ = [0, 1, 2, 3].filter((i) => rows[i].some((value, d) => value !== rows[i + 4][d]));
      expect(differ.length).toBeGreaterThan(1);
    },
  );
});

describe('the encoder', () => {
  const encoderOf = (columns: TextColumns): [EncoderOfTexts, Learner] => {
    const merges = tokenizerOf(rowsOf(columns).texts).merges;
    const learner = learnerOf(tinySettings(simcse, small), { count: 17, classes: 0, merges, texts: { columns } });
    if (!takesTexts(learner.encoder)) throw new Error('no encoder of texts');
    return [learner.encoder, learner];
  };

  it('ends before the layer g where it has learnt from lines, and with it where from pairs', () => {
    const names = (columns: TextColumns) => encoderOf(columns)[0].parameters.map(({ tensor }) => tensor.name);
    expect(names(1)).not.toContain('mlp.dense.weight');
    expect(names(2)).toEqual([...names(1), 'mlp.dense.weight', 'mlp.dense.bias']);
  });

  it('gives a text the same features in any batch, and drops nothing', async () => {
    const gpu = await Gpu.open({ adapter: adapters[0] });
    const state = new State(gpu);
    const [set, [encoder]] = [rowsOf(1), encoderOf(1)];
    const [few, many] = [
      await TextEmbedder.create(state, encoder, { batchSize: 2 }),
      await TextEmbedder.create(state, encoder),
    ];
    const [one, other] = [await few.embed(set), await many.embed(set)];
    expect(one).toHaveLength(17 * 16);
    expect(Math.max(...one.map((value, i) => Math.abs(value - other[i])))).toBeLessThan(1e-5);
    const alone = await few.embed(set, Uint32Array.of(5));
    expect(Math.max(...alone.map((value, i) => Math.abs(value - one[5 * 16 + i])))).toBeLessThan(1e-5);
    for (const embedder of [few, many]) embedder.destroy();
    gpu.destroy();
  });
});

describe('micro-batches', () => {
  it('make the step of the whole batch, where nothing is dropped', async () => {
    const gpu = await Gpu.open({ adapter: adapters[0] });
    const losses: number[][] = [];
    for (const microBatch of [0, 2]) {
      const state = new State(gpu);
      const settings = tinySettings(simcse, { ...small, dropout: 0, microBatch });
      const { step } = await compileTraining(state, fedSamples(rowsOf(3)), settings);
      const run = (number: number) =>
        step.step(Uint32Array.of(3, 16, 0, 7), { step: number, epoch: 0, lr: 0.01 }).read();
      losses.push([(await run(1)).loss, (await run(2)).loss]);
      step.destroy();
      state.destroy();
    }
    const [whole, pieces] = losses;
    expect(whole[1]).toBeLessThan(whole[0]);
    whole.forEach((loss, i) => {
      expect(Math.abs(loss - pieces[i])).toBeLessThan(1e-3);
    });
    gpu.destroy();
  });

  it('drop the same in the pass that embeds and in the one for gradients', () => {
    const { phases } = traceStep(stepParts(fedSamples(rowsOf(1)), tinySettings(simcse, { ...small, microBatch: 2 })));
    const [embeddings, , gradients] = phases.map(({ graph }) =>
      graph.nodes.filter(({ op }) => op === dropoutOp).map(({ attrs }) => (attrs as { salt: number }).salt),
    );
    expect(embeddings.length).toBeGreaterThan(2);
    expect(new Set(embeddings).size).toBe(embeddings.length);
    expect(gradients.slice(0, embeddings.length)).toEqual(embeddings);
    expect(new Set(gradients)).toEqual(new Set(embeddings));
  });
});

it('guesses among 2N − 1 of lines, N of pairs, 2N of triplets', () => {
  const chance = (columns: TextColumns) => {
    const { merges } = tokenizerOf(rowsOf(columns).texts);
    return learnerOf(tinySettings(simcse, small), { count: 17, classes: 0, merges, texts: { columns } }).chance!;
  };
  expect(([1, 2, 3] as const).map((columns) => chance(columns).formula)).toEqual(['log(7)', 'log(4)', 'log(8)']);
});

describe('refused in one line', () => {
  it.each<[GivenSettings, string]>([
    [{ textHeads: 3 }, 'method simcse: --text-width 16 must be a multiple of --text-heads 3'],
    [{ augmentationShare: 0.5 }, '--augmentation-share is only used with --text-augmentation; add it'],
    [{ pooling: 'max' }, '--pooling'],
  ])('%o', (given, message) => {
    expect(() => tinySettings(simcse, { ...small, ...given })).toThrow(message);
  });

  it('lines that nothing tells apart; pairs need no dropout', () => {
    const settings = tinySettings(simcse, { ...small, dropout: 0 });
    expect(() => stepParts(fedSamples(rowsOf(1)), settings)).toThrow(
      'without dropout both passes of a text are the same; give --dropout above 0',
    );
    expect(() => stepParts(fedSamples(rowsOf(2)), settings)).not.toThrow();
  });

  it('images, which are a mistake of the program', async () => {
    const gpu = await Gpu.open({ adapter: adapters[0] });
    const compiled = compileTraining(new State(gpu), fedSamples(images), tinySettings(simcse, small));
    await expect(compiled).rejects.toThrow('method simcse learns from texts');
    gpu.destroy();
  });
});
