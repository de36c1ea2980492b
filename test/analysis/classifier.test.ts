import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  evaluate,
  evaluateClassifier,
  featureExamples,
  imageExamples,
  Predictor,
  predict,
  predictionsOf,
} from '../../src/analysis/classifier.ts';
import { Embedder } from '../../src/analysis/embed.ts';
import { type ImageSet, subset } from '../../src/data/images.ts';
import { sampleSet } from '../../src/data/sample/sample.ts';
import { hostImages, residentImages } from '../../src/data/source.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import { Classifier } from '../../src/nn/classifier.ts';
import { adapters, relativeError } from '../ops/harness.ts';

const test = sampleSet('test', 23, 16);
const preparation = { imageSize: 16, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] } as const;
const options = { architecture: 'resnet18', stem: 'imagenet', seed: 5 } as const;

let gpu: Gpu;
let state: State;
let classifier: Classifier;
/** Logits of all images in one batch. */
let logits: Float32Array;

beforeAll(async () => {
  gpu = await Gpu.open({ adapter: adapters[0] });
  state = new State(gpu);
  classifier = new Classifier({ ...options, classes: 10 });
  logits = (await predict(state, classifier, test, preparation)).logits;
});
afterAll(() => {
  state.destroy();
  gpu.destroy();
});

const rowsOf = (all: Float32Array, indices: readonly number[]) =>
  indices.flatMap((i) => Array.from(all.subarray(10 * i, 10 * i + 10)));

it.each([1, 7, 10, 22, 40])('batches of %s: every image once, in order', async (batchSize) => {
  const examples = imageExamples(batchSize === 7 ? residentImages(state, test) : hostImages(test), preparation);
  const predictor = await Predictor.create(state, classifier, examples, batchSize);
  expect(relativeError((await predictor.predict()).logits, logits)).toBeLessThan(1e-5);
  const chosen = [22, 3, 3, 0];
  const some = await predictor.predict(Uint32Array.from(chosen));
  expect(relativeError(some.logits, rowsOf(logits, chosen))).toBeLessThan(1e-5);
  predictor.destroy();
});

it('takes other images of the same size, where they are sent', async () => {
  const predictor = await Predictor.create(state, classifier, imageExamples(hostImages(test), preparation), 10);
  const last = subset(test, Uint32Array.of(20, 21, 22));
  const { logits: rows } = await predictor.predict(undefined, imageExamples(hostImages(last), preparation));
  expect(relativeError(rows, rowsOf(logits, [20, 21, 22]))).toBeLessThan(1e-5);
  predictor.destroy();
});

it('features that were computed before give the same', async () => {
  const embedder = await Embedder.create(state, classifier.encoder, test, { ...preparation, batchSize: 9 });
  const examples = featureExamples(await embedder.embed(test), embedder.dimensions);
  expect(examples.count).toBe(23);
  const predictor = await Predictor.create(state, classifier, examples, 6);
  expect(relativeError((await predictor.predict()).logits, logits)).toBeLessThan(1e-5);
  predictor.destroy();
  embedder.destroy();
});

it('loss, accuracy and confusions are those of the definitions', async () => {
  const { labels } = test;
  const rows = Array.from({ length: 23 }, (_, i) => rowsOf(logits, [i]));
  const losses = rows.map((row, i) => Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0)) - row[labels![i]]);
  const predicted = rows.map((row) => row.indexOf(Math.max(...row)));
  const result = await evaluateClassifier(state, classifier, test, preparation);
  expect(result.loss).toBeCloseTo(losses.reduce((a, b) => a + b) / 23, 9);
  expect(result.accuracy).toBe(predicted.filter((k, i) => k === labels![i]).length / 23);
  const count = (i: number, k: number) => predicted.filter((p, row) => p === k && labels![row] === i).length;
  expect(result.confusion).toEqual(
    Array.from({ length: 10 }, (_, i) => Array.from({ length: 10 }, (_, k) => count(i, k))),
  );
});

it('of equal logits the first counts; large ones do not overflow', () => {
  const predictions = predictionsOf(Float32Array.of(-1000, 1000, 1000, 0, 0, 0), 3);
  expect(predictions.classes).toEqual(Uint32Array.of(1, 0));
  const { loss, accuracy, confusion } = evaluate(predictions, [1, 2]);
  expect(loss).toBeCloseTo((Math.log(2) + Math.log(3)) / 2, 12);
  expect(accuracy).toBe(0.5);
  expect(confusion[2]).toEqual([1, 0, 0]);
});

it('says in one line what cannot be evaluated', async () => {
  const { labels, ...unlabelled } = test;
  const run = (set: ImageSet, classes = 10) =>
    evaluateClassifier(state, new Classifier({ ...options, classes }), set, preparation);
  await expect(run(unlabelled)).rejects.toThrow(/^sample test: has no labels to compare with/);
  await expect(run(test, 4)).rejects.toThrow(
    /^sample test: has images of class 4, but the classifier has classes 0 to 3$/,
  );
});
