/** Contrastive predictive coding on images: the step and its resume, and what must hold of patches, columns and what is predicted. */
import { describe, expect, it } from 'vitest';
import { hostImages } from '../../src/data/source.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { cpcCandidates } from '../../src/losses/cpc.ts';
import { cpc } from '../../src/methods/cpc.ts';
import { CpcHead } from '../../src/nn/cpc_head.ts';
import { makeEncoder } from '../../src/nn/encoders.ts';
import { PatchesEncoder } from '../../src/nn/patches_encoder.ts';
import { mul } from '../../src/ops/binary.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { sum } from '../../src/ops/reduce.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { permute, slice } from '../../src/ops/strided_copy.ts';
import { sgd } from '../../src/optim/sgd.ts';
import { StepFeeds } from '../../src/ssl/feeds.ts';
import { predictionColumns } from '../../src/ssl/patch_predictions.ts';
import type { Pixels } from '../../src/ssl/pixels.ts';
import { traceStep } from '../../src/ssl/trace_step.ts';
import { learnerOf, stepParts } from '../../src/train/learner.ts';
import { noise, relativeError } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';
import { interpretStep } from '../ssl/interpret_step.ts';
import { images, testMethod, tinySettings } from './harness.ts';

const small = { contextDim: 12, imageSize: 16 };
testMethod(cpc, small);

describe('settings', () => {
  it.each([
    [{ input: 'rgb' }, '--input must be patches, not rgb: patches are what is predicted'],
    [{ norm: 'batch' }, '--norm batch: statistics of a batch tell which patches belong together'],
    [{ architecture: 'dcgan' }, '--architecture dcgan has batch norm: statistics of a batch tell'],
    [{ architecture: 'vit_tiny' }, '--input patches: vit_tiny has patches of its own'],
    [{ predictionSkip: 2 }, '--prediction-skip 2 and --prediction-steps 5 reach below the last of 7 rows'],
  ] as const)('%o are refused in one line', (given, message) => {
    expect(() => tinySettings(cpc, { ...small, ...given })).toThrow(message);
  });
});

describe('the step', () => {
  const count = 4;
  const learnerWith = (given = {}) => learnerOf(tinySettings(cpc, { ...small, ...given }), { count: 17, classes: 0 });
  const logged = (pixels: Float32Array, given = {}) => {
    const learner = learnerWith(given);
    const { graph, result } = trace(() => {
      const step = learner.step([constant('views', pixels, [count, 16, 16, 4])], new StepFeeds(count));
      return { loss: step.losses[0][1](), ...step.log };
    });
    const all = interpret(graph);
    return Object.fromEntries(Object.entries(result).map(([name, tensor]) => [name, all.get(tensor)![0]]));
  };
  const pixels = noise(count * 256 * 4, 5).map((v, i) => (i % 4 === 3 ? 0 : v));

  it('begins at chance, and bounds the information by log N − loss', () => {
    const values = logged(pixels);
    const { chance, metrics } = learnerWith();
    expect(Object.keys(values)).toEqual([
      'loss',
      'accuracy',
      'informationBound',
      ...[2, 3, 4, 5, 6].map((o) => `accuracy${o}`),
    ]);
    const candidates = cpcCandidates(count * 7, 7, 5, { skip: 1 });
    expect(candidates).toEqual([140, 112, 84, 56, 28]);
    expect(chance!.loss).toBeCloseTo(candidates.reduce((total, number) => total + Math.log(number), 0) / 5, 9);
    expect(chance!.formula).toBe('the mean of log(140) … log(28)');
    expect(metrics!['accuracy6'].guess).toBeCloseTo(1 / 28, 9);
    expect(Math.abs(values['loss'] / chance!.loss - 1)).toBeLessThan(0.1);
    expect(values['informationBound']).toBeCloseTo(chance!.loss - values['loss'], 5);
  });

  it('of images that are all the same colour is at chance', () => {
    const flat = pixels.map((_, i) => (i % 4 === 3 ? 0 : 0.4));
    expect(logged(flat)['loss']).toBeCloseTo(learnerWith().chance!.loss, 5);
  });

  it('of one row that is predicted says the logarithm', () => {
    expect(learnerWith({ predictionSteps: 1, predictionSkip: 0 }).chance!.formula).toBe('log(168)');
  });
});

it('a step in micro-batches is the step of the batch, as no image sees another', () => {
  const indices = Uint32Array.of(4, 12);
  const stepOf = (given = {}) => {
    const { learner, ...parts } = stepParts(
      hostImages(images),
      tinySettings(cpc, { ...small, batchSize: 2, ...given }),
    );
    const optimizer = (weights: Tensor) => sgd(weights, { momentum: 0 });
    const whole = {
      ...parts,
      learner: { ...learner, groups: learner.groups.map((group) => ({ ...group, optimizer })) },
    };
    const traced = traceStep(whole);
    const values = interpretStep(traced, whole, indices, { step: 1, epoch: 0 });
    const { loss, accuracy } = traced.phases.at(-1)!.outputs;
    const moved = learner.groups[0].modules.flatMap(({ parameters }) => parameters.map(({ tensor }) => tensor));
    return [loss, accuracy, ...moved].map((tensor) => [...values.get(tensor)!]);
  };
  const [plain, pieces] = [stepOf(), stepOf({ microBatch: 1 })];
  expect(pieces.length).toBe(plain.length);
  pieces.forEach((values, i) => expect(relativeError(values, plain[i])).toBeLessThan(1e-9));
});

describe('the encoder', () => {
  const encoder = makeEncoder(tinySettings(cpc, small));
  if (!(encoder instanceof PatchesEncoder)) throw new Error('the encoder sees no patches');
  const picture = (size: number) => constant('x', noise(size * size * 4, 3), [1, size, size, 4]);

  it('has features of an image that are the mean of those of its patches, and maps of them', () => {
    const { graph, result } = trace(() => ({
      features: encoder.forward(picture(16), { training: false }),
      grid: encoder.grid(picture(16), { training: false }),
      maps: encoder.maps(picture(16), { training: false }),
    }));
    const all = interpret(graph);
    expect(result.grid.shape).toEqual([1, 7, 7, 128]);
    expect(result.maps.map(({ shape }) => shape)).toEqual([16, 32, 64, 128].map((c) => [1, 7, 7, c]));
    const [features, grid, last] = [result.features, result.grid, result.maps[3]].map((tensor) => all.get(tensor)!);
    features.forEach((value, c) => {
      const own = [...grid].filter((_, i) => i % 128 === c);
      expect(value).toBeCloseTo(own.reduce((a, b) => a + b) / 49, 9);
    });
    last.forEach((value, i) => expect(value).toBeCloseTo(grid[i], 9));
  });

  it('takes images of any size', () => {
    for (const size of [16, 19, 32]) {
      const { result } = trace(() => encoder.forward(picture(size), { training: false }));
      expect(result.shape).toEqual([1, 128]);
    }
  });

  it('sees each patch by itself, and contexts see no patch of rows below theirs or of other columns', () => {
    const head = new CpcHead('cpc', { inputs: 128, hidden: 12, predictions: 2, skip: 1, seed: 1 });
    const [row, column] = [2, 4];
    const { graph, result } = trace(() => {
      const x = picture(16);
      const grid = encoder.grid(x, { training: true });
      const sequences = reshape(permute(grid, [0, 2, 1, 3]), [7, 7, 128]);
      const one = slice(slice(grid, 1, row, row + 1), 2, column, column + 1);
      const context = slice(slice(head.forward(sequences, { training: true }), 0, column, column + 1), 1, row, row + 1);
      const [ofPatch] = gradients(sum(mul(one, one)), [x]);
      const [ofContext] = gradients(sum(mul(context, context)), [x]);
      return { ofPatch, ofContext };
    });
    const all = interpret(graph);
    const rowsAndColumns = (name: 'ofPatch' | 'ofContext') => {
      const found = [...all.get(result[name])!].flatMap((value, i) => (value === 0 ? [] : [Math.floor(i / 4)]));
      const [ys, xs] = [found.map((pixel) => Math.floor(pixel / 16)), found.map((pixel) => pixel % 16)];
      return [Math.min(...ys), Math.max(...ys), Math.min(...xs), Math.max(...xs)];
    };
    // Patches have 4 pixels and begin 2 apart.
    expect(rowsAndColumns('ofPatch')).toEqual([4, 7, 8, 11]);
    expect(rowsAndColumns('ofContext')).toEqual([0, 7, 8, 11]);
  });
});

describe('pictures of predictions', () => {
  /** Every pixel of image i has the colours (i, y, x). */
  const pictures: readonly Pixels[] = [0, 1].map((image) => ({
    side: 16,
    rgb: Uint8Array.from({ length: 3 * 256 }, (_, i) => [image, Math.floor(i / 48), Math.floor(i / 3) % 16][i % 3]),
  }));
  const question = { context: { row: 1, column: 3 }, target: { row: 3, column: 3 } };
  // Candidates are rows 2 … 6 of 7 columns of two images: 70.
  const numberOf = (image: number, row: number, column: number) => (image * 7 + column) * 5 + row - 2;
  const scores = new Float32Array(140);
  scores[numberOf(1, 6, 0)] = 3;
  scores[numberOf(0, 3, 3)] = 2;
  scores[70 + numberOf(1, 3, 3)] = 5;
  const columns = predictionColumns(pictures, scores, question);
  const cornerOf = ({ rgb }: Pixels) => [...rgb.slice(0, 3)];

  it('show the target, and the candidates by their scores', () => {
    expect(columns.map(({ label }) => label)).toEqual(['seen', 'truth', 'rank 1', 'rank 2', 'rank 3', 'rank 4']);
    expect(columns[1].captions).toEqual(['rank 2 of 70', 'rank 1 of 70']);
    expect(columns[1].pictures.map(cornerOf)).toEqual([
      [0, 6, 6],
      [1, 6, 6],
    ]);
    expect(columns[2].pictures.map(cornerOf)).toEqual([
      [1, 12, 0],
      [1, 6, 6],
    ]);
    expect([columns[2], columns[3]].map(({ captions }) => captions)).toEqual([
      ['', 'truth'],
      ['truth', ''],
    ]);
    expect(columns.slice(1).every(({ pictures: cut }) => cut.every(({ side }) => side === 4))).toBe(true);
  });

  it('show what was seen as it is, and a frame about the target', () => {
    const [{ pictures: seen }] = columns;
    const at = (y: number, x: number) => [...seen[0].rgb.slice(3 * (16 * y + x), 3 * (16 * y + x + 1))];
    expect(at(5, 7)).toEqual([0, 5, 7]);
    expect(at(5, 10)[2]).toBeGreaterThan(100);
    expect(at(6, 6)).toEqual(at(9, 9));
    expect(at(6, 6)[0]).toBeGreaterThan(200);
    expect(at(7, 7)[1]).toBeGreaterThan(100);
  });
});
