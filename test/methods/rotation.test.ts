import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { residentImages } from '../../src/data/source.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import type { Data, Tensor } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { fourTurns, rotation } from '../../src/methods/rotation.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { StepFeeds } from '../../src/ssl/feeds.ts';
import type { PictureFigure } from '../../src/ssl/method.ts';
import { compileTraining, learnerOf } from '../../src/train/learner.ts';
import { adapters } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';
import { images, runIn, testMethod, tinySettings } from './harness.ts';

testMethod(rotation);

const side = 16;
const n = 4;
const settings = tinySettings(rotation);

/** Views of any colours, and the same made alike in all four turns: the sum over the orbit of each pixel. */
function madeViews(symmetric: boolean): Float32Array {
  const any = Float32Array.from({ length: n * side * side * 4 }, (_, i) => (i % 4 === 3 ? 0 : Math.sin(i * i) / 4));
  if (!symmetric) return any;
  const at = (i: number, y: number, x: number, c: number) => ((i * side + y) * side + x) * 4 + c;
  return any.map((_, place) => {
    const [c, x, y] = [place % 4, Math.floor(place / 4) % side, Math.floor(place / (4 * side)) % side];
    const i = Math.floor(place / (4 * side * side));
    const [u, v] = [side - 1 - x, side - 1 - y];
    return any[at(i, y, x, c)] + any[at(i, v, u, c)] + (any[at(i, u, y, c)] + any[at(i, x, v, c)]);
  });
}

/** Loss, accuracy and gradients of a step on made views in the float64 reference; by a classifier that says nothing, if wanted. */
function stepOn(views: Float32Array, { blank = false } = {}) {
  const learner = learnerOf(settings, { count: n, classes: 0 });
  const [, classifier] = learner.groups[0].modules;
  const weights = classifier.parameters.map(({ tensor }) => tensor);
  const feeds = new StepFeeds(n);
  const { graph, result } = trace(() => {
    const step = learner.step([constant('views', views, [n, side, side, 4])], feeds);
    const loss = step.losses[0][1]();
    return { loss, accuracy: step.log!['accuracy'], gradients: gradients(loss, weights) };
  });
  const time = { seed: 1, epoch: 0, step: 1, steps: 1, perEpoch: 1, first: 0 };
  const fed = feeds.values({ ...time, indices: Uint32Array.of(0, 1, 2, 3) });
  const known = new Map<Tensor, Float64Array>();
  for (const tensor of graph.nodes.flatMap((node) => node.inputs)) {
    if (tensor.origin.kind === 'input') known.set(tensor, Float64Array.from(fed[tensor.name]));
    if (blank && weights.includes(tensor)) known.set(tensor, new Float64Array(tensor.size));
  }
  const values = interpret(graph, known);
  const [loss, accuracy] = [result.loss, result.accuracy].map((tensor) => values.get(tensor)![0]);
  return { fed, loss, accuracy, gradients: result.gradients.flatMap((tensor) => Array.from(values.get(tensor)!)) };
}

describe('the four turns of an image', () => {
  it('are as many of each, whatever the batch', () => {
    expect(stepOn(madeViews(false)).fed['quarters']).toEqual(
      Uint32Array.from({ length: 4 * n }, (_, i) => Math.floor(i / n)),
    );
  });

  it('are the same picture again after four quarters, and copies of its pixels', () => {
    const views = madeViews(false);
    const { graph, result } = trace(() => {
      const turned = fourTurns(constant('views', views, [n, side, side, 4]));
      return { turned, again: fourTurns(turned) };
    });
    const values = interpret(graph);
    const rows = (tensor: Tensor, from: number) =>
      Array.from(values.get(tensor)!).slice(from * n * side * side * 4, (from + 1) * n * side * side * 4);
    expect(rows(result.turned, 0)).toEqual(Array.from(views));
    // Of `again` part k has the four turned by k quarters: 3 + 1 are none, 2 + 2 neither.
    expect(rows(result.again, 4 * 1 + 3)).toEqual(Array.from(views));
    expect(rows(result.again, 4 * 2 + 2)).toEqual(Array.from(views));
    for (const k of [1, 2, 3]) {
      expect(rows(result.turned, k)).not.toEqual(Array.from(views));
      expect(rows(result.turned, k).sort()).toEqual(Array.from(views).sort());
    }
  });
});

describe('images that look the same in all turns', () => {
  it('are right once in four, at log 4 or above', () => {
    const { loss, accuracy } = stepOn(madeViews(true));
    expect(accuracy).toBe(0.25);
    expect(loss).toBeGreaterThan(Math.log(4));
    expect(stepOn(madeViews(false)).loss).not.toBeCloseTo(loss, 3);
  });

  it('at log 4 teach the classifier nothing, others do', () => {
    const [same, others] = [true, false].map((symmetric) => stepOn(madeViews(symmetric), { blank: true }));
    expect(same.loss).toBeCloseTo(Math.log(4), 12);
    expect(others.loss).toBeCloseTo(Math.log(4), 12);
    expect(Math.max(...same.gradients.map(Math.abs))).toBeLessThan(1e-12);
    expect(Math.max(...others.gradients.map(Math.abs))).toBeGreaterThan(1e-4);
  });
});

describe('figures', () => {
  let gpu: Gpu;
  const root = mkdtempSync(join(tmpdir(), 'simclr-rotations-'));
  beforeAll(async () => {
    gpu = await Gpu.open({ adapter: adapters[0] });
  });
  afterAll(() => {
    gpu.destroy();
    rmSync(root, { recursive: true, force: true });
  });

  it('under each turn stands the likeliest of its probabilities', async () => {
    const state = new State(gpu);
    const { learner, step } = await compileTraining(state, residentImages(state, images), settings);
    const [rotations] = learner.figures as readonly PictureFigure[];
    const turned = Float32Array.from({ length: 8 * side * side * 4 }, (_, i) => Math.floor(i / (side * side * 4)) / 8);
    const four = [0.1, 0.2, 0.6, 0.1];
    const probabilities = Float32Array.from({ length: 32 }, (_, i) => four[(i + Math.floor(i / 4)) % 4]);
    const columns = rotations.columns({ turned, probabilities } satisfies Record<string, Data>);
    expect(columns.map(({ label }) => label)).toEqual([0, 90, 180, 270].map((angle) => `turned by ${angle}°`));
    // Row r = 2k + i has its 0.6 at (2 − r) mod 4.
    const said = [180, 90, 0, 270, 180, 90, 0, 270].map((angle) => `says ${angle}° 60 %`);
    expect(columns.flatMap(({ captions }) => captions)).toEqual(said);
    expect(columns.flatMap(({ pictures }) => pictures.map(({ rgb }) => rgb[0]))).toEqual(
      Array.from({ length: 8 }, (_, row) => Math.round(255 * (0.485 + (0.229 * row) / 8))),
    );
    step.destroy();
    state.destroy();
  });

  it('are drawn of both kinds at the start and after every epoch', async () => {
    const { folder } = await runIn(root, gpu, tinySettings(rotation, { epochs: 1, knnEvery: 0 }));
    for (const name of ['rotations', 'attention'])
      for (const step of [0, 4]) {
        const file = join(folder.path, 'figures', `${name}-step-${String(step).padStart(8, '0')}.png`);
        const { data } = PNG.sync.read(readFileSync(file));
        expect(new Set(data).size, file).toBeGreaterThan(50);
      }
  });
});
