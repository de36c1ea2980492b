/** What the papers say must hold of methods with a stop-gradient, a target and a queue, on a small network and on the methods' own steps. */
import { beforeAll, describe, expect, it } from 'vitest';
import { residentImages } from '../../src/data/source.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import type { Data, Tensor } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { infoNce } from '../../src/losses/info_nce.ts';
import { negativeCosine } from '../../src/losses/negative_cosine.ts';
import { byol } from '../../src/methods/byol.ts';
import { registerMethod } from '../../src/methods/index.ts';
import { moco } from '../../src/methods/moco.ts';
import { mlp } from '../../src/nn/mlp.ts';
import { withoutNetwork } from '../../src/nn/module.ts';
import { add } from '../../src/ops/add.ts';
import { mul } from '../../src/ops/binary.ts';
import { columnStd } from '../../src/ops/column_std.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { l2Normalize } from '../../src/ops/l2_normalize.ts';
import { mean, sum } from '../../src/ops/reduce.ts';
import { neg } from '../../src/ops/unary.ts';
import { StepFeeds } from '../../src/ssl/feeds.ts';
import { defineMethod, keptEntries, type Learner } from '../../src/ssl/method.ts';
import { augmentationConfig } from '../../src/ssl/settings.ts';
import { trainedGroups } from '../../src/ssl/trace_step.ts';
import { compileTraining, learnerOf, type Training } from '../../src/train/learner.ts';
import type { GivenSettings } from '../../src/train/settings.ts';
import { adapters } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';
import { TinyEncoder } from './everything.ts';
import { images, tinySettings } from './harness.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await Gpu.open({ adapter: adapters[0] });
  return () => gpu.destroy();
});

/** Runs with a compiled training of a method at tiny sizes. */
async function withTraining(
  method: Parameters<typeof tinySettings>[0],
  given: GivenSettings,
  use: (training: Training, state: State) => Promise<void>,
): Promise<void> {
  const state = new State(gpu);
  const training = await compileTraining(state, residentImages(state, images), tinySettings(method, given));
  await use(training, state);
  training.step.destroy();
  state.destroy();
}

/** Maps of 2 × 2 in the last layers, for batch norm of parts of two images. */
const mocoSizes = { queueSize: 12, batchNormSplits: 2, stem: 'cifar' } as const;

const batch = (step: number): Uint32Array => Uint32Array.from({ length: 4 }, (_, i) => (4 * step + i) % 17);
const run = ({ step }: Training, number: number) => step.step(batch(number), { step: number, epoch: 0 }).read();

/** Values of the networks that are kept, and of the trained ones of the same names. */
async function followersOf(
  { kept, groups }: Learner,
  name: string,
  state: State,
): Promise<[kept: Data, online: Data][]> {
  const trained = new Map(
    groups
      .flatMap(({ modules }) => modules.flatMap(({ parameters }) => parameters))
      .map((entry) => [entry.tensor.name, entry.tensor]),
  );
  const pairs: [Data, Data][] = [];
  for (const { tensor } of keptEntries(kept![name]))
    if (trained.has(withoutNetwork(tensor.name)))
      pairs.push([await state.read(tensor), await state.read(trained.get(withoutNetwork(tensor.name))!)]);
  return pairs;
}

describe('a target that follows', () => {
  it('with m = 0 is the online network after every step, with m = 1 it is what it was', async () => {
    for (const m of [0, 1]) {
      await withTraining(byol, { emaMomentum: m, emaMomentumEnd: m }, async (training, state) => {
        const first = await followersOf(training.learner, 'target', state);
        for (let step = 1; step <= 3; step++) await run(training, step);
        const last = await followersOf(training.learner, 'target', state);
        expect(last.length).toBeGreaterThan(60);
        for (const [i, [target, online]] of last.entries()) expect(target).toEqual(m === 0 ? online : first[i][0]);
        expect(last.some(([, online], i) => online.some((value, j) => value !== first[i][1][j]))).toBe(true);
      });
    }
  });

  it('of MoCo differs from the network that it follows after the first step', async () => {
    await withTraining(moco, mocoSizes, async (training, state) => {
      await run(training, 1);
      const [[key, query]] = await followersOf(training.learner, 'key', state);
      expect(key).not.toEqual(query);
    });
  });

  it.each([
    [byol, {}],
    [moco, mocoSizes],
  ] as const)('of $name, and a queue, get no gradient; the networks that are trained do', (method, given) => {
    const settings = tinySettings(method, given);
    const learner = learnerOf(settings, { count: 17, classes: 0 });
    const view = constant('view', new Float32Array(4 * 16 * 16 * 4).fill(0.5), [4, 16, 16, 4]);
    const gradientOf = (tensor: Tensor) =>
      trace(() => gradients(learner.step([view, view], new StepFeeds(4)).losses[0][1](), [tensor]));
    trainedGroups(learner, settings); // lays the weights into flat variables, which the average is taken of
    const kept = Object.values(learner.kept!)
      .flatMap(keptEntries)
      .map(({ tensor }) => tensor);
    for (const tensor of [kept[0], kept.at(-1)!])
      expect(() => gradientOf(tensor), tensor.name).toThrow('the loss does not depend on');
    for (const { parameters } of learner.groups[0].modules)
      expect(() => gradientOf(parameters[0].tensor)).not.toThrow();
  });
});

describe('a step whose gradients are not finite', () => {
  it.each([
    [byol, {}],
    [moco, mocoSizes],
  ] as const)('of $name: what is recorded behind the update is left out', async (method, given) => {
    await withTraining(method, { ...given, lr: 1e30 }, async (training, state) => {
      const { kept = {} } = training.learner;
      const { queue, target } = kept as Record<string, Tensor | undefined>;
      const tensors = queue ? [queue] : keptEntries(target!).map(({ tensor }) => tensor);
      const weights = tensors.filter(({ name }) => !/running_/.test(name)); // statistics are of passes
      await run(training, 1); // leaves weights of 1e30
      const before = [];
      for (const tensor of weights) before.push(await state.read(tensor));
      expect((await run(training, 2)).firstNonFinite).toBe(2);
      for (const [i, tensor] of weights.entries()) expect(await state.read(tensor), tensor.name).toEqual(before[i]);
    });
  });
});

describe('constant embeddings', () => {
  const rows = (name: string, count: number) =>
    constant(
      name,
      Float32Array.from({ length: count * 4 }, () => 0.5),
      [count, 4],
    );
  const value = (build: () => Tensor): number => {
    const { graph, result } = trace(build);
    return interpret(graph).get(result)![0];
  };

  it('give log(1 + K) of MoCo, whatever τ', () => {
    for (const temperature of [0.07, 0.2, 1]) {
      const loss = () => infoNce(rows('q', 8), rows('k', 8), { queue: rows('queue', 4096), own: 8, temperature }).loss;
      expect(value(loss)).toBeCloseTo(Math.log(4097), 6);
    }
    expect(Math.log(4097)).toBeCloseTo(8.318, 3);
  });

  it('give 0 of BYOL, −1 of SimSiam', () => {
    const both = () => add(negativeCosine(rows('p', 3), rows('z', 3)), negativeCosine(rows('q', 3), rows('y', 3)));
    expect(value(() => add(mul(both(), 2), 4))).toBeCloseTo(0, 6);
    expect(value(() => mul(both(), 0.5))).toBeCloseTo(-1, 6);
  });
});

/** SimSiam's step on a tiny encoder, with its stop-gradient or without. */
const siamese = (stops: boolean) =>
  defineMethod({
    name: stops ? 'tiny-simsiam' : 'tiny-simsiam-without-stop',
    about: 'a test of collapse',
    paper: 'none',
    options: {},
    recipe: { optimizer: 'sgd', lr: 0.5, nesterov: false },
    views(settings) {
      const view = { count: 1, size: settings.imageSize, augmentation: augmentationConfig(settings) };
      return [view, view];
    },
    create(_settings, { training }) {
      const f = new TinyEncoder();
      const g = mlp({
        name: 'projector',
        widths: [8, 32, 32],
        batchNorm: 'hidden',
        hiddenBias: false,
        seed: 1,
      });
      const h = mlp({ name: 'predictor', widths: [32, 8, 32], batchNorm: 'hidden', hiddenBias: false, seed: 1 });
      const distance = (p: Tensor, z: Tensor) =>
        stops ? negativeCosine(p, z) : neg(mean(sum(mul(l2Normalize(p), l2Normalize(z)), 1)));
      return {
        encoder: f,
        groups: [{ name: 'main', modules: [f, g, h] }],
        step(views) {
          const [z1, z2] = views.map((view) => g.forward(f.forward(view, training), training));
          const [p1, p2] = [z1, z2].map((z) => h.forward(z, training));
          const loss = mul(add(distance(p1, z2), distance(p2, z1)), 0.5);
          return { losses: [['main', () => loss]], log: { std: columnStd(l2Normalize(z1)) } };
        },
      };
    },
  });

describe('without negatives', () => {
  it('embeddings collapse where the stop-gradient is taken away, and only there', async () => {
    const shares: number[] = [];
    for (const stops of [true, false]) {
      const method = siamese(stops);
      registerMethod(method);
      await withTraining(method, { batchSize: 16, width: 1 }, async ({ step }) => {
        const indices = Uint32Array.from({ length: 16 }, (_, i) => i);
        let last = { loss: 0, std: 0 };
        for (let number = 1; number <= 300; number++) {
          const { loss, metrics } = await step.step(indices, { step: number, epoch: number }).read();
          last = { loss, std: metrics['std'] };
        }
        shares.push(last.std * Math.sqrt(32));
        if (!stops) expect(last.loss).toBeLessThan(-0.99);
      });
    }
    const [healthy, collapsed] = shares; // of 1/√d, that of embeddings that point everywhere
    expect(healthy).toBeGreaterThan(0.5);
    expect(collapsed).toBeLessThan(0.1);
  });
});
