/** CLIP: its step and its resume, what its parts learn from, micro-batches, and what is said of its images. */
import { describe, expect, it } from 'vitest';
import { hostImages } from '../../src/data/source.ts';
import { startOfText, tokenizerOf } from '../../src/data/tokenizer.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { clipLoss } from '../../src/losses/clip.ts';
import { clip } from '../../src/methods/clip.ts';
import { LogitScale } from '../../src/nn/logit_scale.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { expectedTwins } from '../../src/ssl/captions.ts';
import { trainedParameters } from '../../src/ssl/step.ts';
import { traceStep } from '../../src/ssl/trace_step.ts';
import { checkImages, learnerOf, stepParts } from '../../src/train/learner.ts';
import { noise } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';
import { interpretStep } from '../ssl/interpret_step.ts';
import { images, testMethod, tinySettings } from './harness.ts';

const small = { embeddingDim: 16, textWidth: 16, textLayers: 1, textHeads: 2, contextLength: 8 };
testMethod(clip, small);

const counters = { step: 3, epoch: 2, lr: 1 };
const indices = Uint32Array.of(4, 0, 12, 7);

describe('the loss', () => {
  const z = (seed: number) => constant('z', noise(5 * 4, seed), [5, 4]);
  const value = (build: () => ReturnType<typeof clipLoss>) => {
    const { graph, result } = trace(build);
    const values = interpret(graph);
    return Object.fromEntries(Object.entries(result).map(([name, tensor]) => [name, values.get(tensor)![0]]));
  };

  it('is log N where all are alike, and each way finds its own', () => {
    const same = constant('same', new Float32Array(20).fill(0.5), [5, 4]);
    expect(value(() => clipLoss(same, same))['loss']).toBeCloseTo(Math.log(5), 6);
    const own = value(() => {
      const one = constant(
        'one',
        Float32Array.from({ length: 25 }, (_, i) => (i % 6 === 0 ? 30 : 0)),
        [5, 5],
      );
      return clipLoss(one, one);
    });
    expect(own).toMatchObject({ imageToText: 1, textToImage: 1 });
    expect(own['loss']).toBeLessThan(1e-6);
  });

  it('is the same with images and texts changed over', () => {
    const there = value(() => clipLoss(z(1), z(2)));
    const back = value(() => clipLoss(z(2), z(1)));
    expect(back['loss']).toBeCloseTo(there['loss'], 12);
    expect([back['imageToText'], back['textToImage']]).toEqual([there['textToImage'], there['imageToText']]);
  });
});

describe('the temperature', () => {
  const at = (temperature: number) => {
    const { graph, result } = trace(() => {
      const scale = new LogitScale(temperature);
      const y = scale.forward(constant('x', Float32Array.of(1)));
      return { y, tau: scale.temperature(), slope: gradients(y, [scale.parameters[0].tensor])[0] };
    });
    const values = interpret(graph);
    return [result.y, result.tau, result.slope].map((tensor) => values.get(tensor)![0]);
  };

  it('is what it is set to, and at least 0.01, where its gradient still leads back', () => {
    for (const [i, value] of [1 / 0.07, 0.07, 1 / 0.07].entries()) expect(at(0.07)[i]).toBeCloseTo(value, 5);
    for (const [i, value] of [100, 0.01, 100].entries()) expect(at(0.001)[i]).toBeCloseTo(value, 4);
  });
});

it('every part gets a gradient, but for tokens that no caption of the batch has', () => {
  const settings = tinySettings(clip, small);
  const parts = stepParts(hostImages(images), settings);
  const values = interpretStep(traceStep(parts), parts, indices, counters);
  const moved = (name: string) => {
    const { tensor } = trainedParameters(parts.learner).find((entry) => entry.tensor.name === name)!;
    const before = tensor.origin.kind === 'variable' ? tensor.origin.init!() : [];
    return values.get(tensor)!.map((value, i) => value - before[i]);
  };
  const names = ['conv1.weight', 'image_projection.weight', 'text_projection.weight', 'logit_scale'];
  for (const name of [...names, 'text.blocks.0.attn.qkv.weight', 'text.norm.weight', 'text.positional_embedding'])
    expect(
      moved(name).some((change) => change !== 0),
      name,
    ).toBe(true);
});

it('each caption of an image is drawn now and then, the same one in all of an epoch', () => {
  const { feeds } = traceStep(stepParts(hostImages(images), tinySettings(clip, small))).phases[0];
  const time = (epoch: number) => ({ seed: 1, step: 1, epoch, steps: 40, perEpoch: 4, indices, first: 0 });
  const drawn = Array.from({ length: 40 }, (_, epoch) => feeds.captionOf(12, time(epoch)));
  expect(new Set(drawn)).toEqual(new Set(images.captions![12]));
  expect(drawn.filter((text) => text === images.captions![12][0]).length).toBeGreaterThan(8);
  const { tokens, 'last tokens': last } = feeds.values(time(3)) as Record<string, Uint32Array>;
  const tokenizer = tokenizerOf(images.captions!);
  expect(tokenizer.decode(tokens.slice(8 * 2, 8 * 3))).toBe(
    tokenizer.decode(tokenizer.row(drawn[3], small.contextLength).ids),
  );
  expect(tokens[8 * 3]).toBe(startOfText);
  expect([...last].every((place, row) => place > 8 * row && place < 8 * (row + 1) && tokens[place] === 2)).toBe(true);
});

it('a step in micro-batches has the loss and the change of the texts’ network of one graph', () => {
  // Batch statistics are of a micro-batch, so the images' network is one without.
  const given = { ...small, architecture: 'vit_tiny' as const, patch: 8, optimizer: 'sgd' as const, momentum: 0.5 };
  const [whole, pieces] = [0, 2].map((microBatch) => {
    const settings = tinySettings(clip, { ...given, microBatch });
    const parts = stepParts(hostImages(images), settings);
    const traced = traceStep(parts);
    const values = interpretStep(traced, parts, indices, counters);
    const { outputs } = traced.phases.at(-1)!;
    const logged = Object.entries(outputs).map(([name, tensor]) => [name, values.get(tensor)![0]]);
    const weights = trainedParameters(parts.learner).map(({ tensor }) => [tensor.name, values.get(tensor)![0]]);
    return { ...Object.fromEntries(logged), ...Object.fromEntries(weights) } as Record<string, number>;
  });
  for (const [name, value] of Object.entries(whole)) expect(pieces[name], name).toBeCloseTo(value, 6);
});

describe('what is said', () => {
  it('of settings that do not fit', () => {
    expect(() => tinySettings(clip, { ...small, textHeads: 3 })).toThrow(
      '--text-width 16 must be a multiple of --text-heads 3',
    );
  });

  it('of images without captions', () => {
    const { captions: _, ...bare } = images;
    expect(() => checkImages(bare, tinySettings(clip, small))).toThrow(/has no captions, which --method clip needs/);
  });

  it('of captions that many images share', () => {
    const of = (...texts: string[]) => ({ ...images, count: texts.length, captions: texts.map((text) => [text]) });
    expect(expectedTwins(of('a', 'b', 'c', 'd'), 4)).toBe(0);
    expect(expectedTwins(of('a', 'a', 'a', 'a'), 2)).toBe(1);
    // Of two of each, the other one of an image is one of the three that may stand beside it.
    expect(expectedTwins(of('a', 'a', 'b', 'b'), 2)).toBeCloseTo(1 / 3);
    const { unfit } = learnerOf(tinySettings(clip, { ...small, batchSize: 2 }), { count: 4, classes: 0 });
    expect(unfit!(of('a', 'b', 'c', 'd'))).toBeUndefined();
    expect(unfit!(of('a', 'a', 'a', 'a'))!.message).toMatch(/^100 % of the captions of a batch/);
  });
});
