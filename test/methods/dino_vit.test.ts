/** DINO on vision transformers, with iBOT: the step and its resume, and what must hold of teacher, crops and hidden patches. */
import { beforeAll, describe, expect, it } from 'vitest';
import { residentImages } from '../../src/data/source.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { ibotLoss } from '../../src/losses/ibot.ts';
import { dino } from '../../src/methods/dino.ts';
import { withoutNetwork } from '../../src/nn/module.ts';
import { MaskToken, Vit } from '../../src/nn/vit.ts';
import { gatherRows } from '../../src/ops/gather_rows.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { StepFeeds } from '../../src/ssl/feeds.ts';
import { keptEntries } from '../../src/ssl/method.ts';
import { compileTraining, learnerOf, viewsOf } from '../../src/train/learner.ts';
import { withRecipe } from '../../src/train/recipe.ts';
import { type GivenSettings, parseSettings } from '../../src/train/settings.ts';
import { adapters, noise } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';
import { images, testMethod, tinySettings } from './harness.ts';

const sizes = { outputs: 12, embeddingDim: 8, headWidth: 16, headDepth: 2, localCrops: 1, frozenEpochs: 0.5 };
const onVit = { ...sizes, architecture: 'vit_tiny', patch: 4 } as const;
testMethod(dino, { ...onVit, ibotWeight: 0.5, dropPath: 0.2 });

describe('settings', () => {
  it('of a vision transformer are the paper’s for it, unless others are given', () => {
    const given = { method: 'dino', architecture: 'vit_small' } as const;
    const paper = { optimizer: 'adamw', weightDecay: 0.04, weightDecayFactor: 10, headBatchNorm: false };
    expect(parseSettings(given)).toMatchObject({ ...paper, lr: 5e-4, clipNorm: 3, clipPer: 'tensor' });
    expect(parseSettings({ ...given, optimizer: 'sgd', lr: 0.1 })).toMatchObject({ optimizer: 'sgd', lr: 0.1 });
    expect(parseSettings({ method: 'dino' })).toMatchObject({ optimizer: 'sgd', headBatchNorm: true });
    const short = parseSettings(withRecipe(given, { software: true, sample: false }));
    expect(short).toMatchObject({ ...paper, outputs: 256, teacherTemperature: 0.02 });
    const onGpu = parseSettings(withRecipe(given, { software: false, sample: false }));
    expect(onGpu).toEqual(parseSettings(given));
  });

  it('local crops are of whole patches, as many as fit into 9/16 of the side', () => {
    const sizeOf = (given: GivenSettings) => viewsOf(parseSettings({ method: 'dino', ...given }))[2].size;
    const vit = { architecture: 'vit_tiny' } as const;
    expect([32, 96].map((imageSize) => sizeOf({ imageSize }))).toEqual([18, 54]);
    expect([32, 96, 224].map((imageSize) => sizeOf({ ...vit, imageSize }))).toEqual([16, 48, 112]);
    expect(sizeOf({ ...vit, imageSize: 32, patch: 16 })).toBe(16);
    expect(sizeOf({ ...vit, imageSize: 32, localSize: 12 })).toBe(12);
  });

  it.each([
    [{ ibotWeight: 1 }, '--ibot-weight is above 0: --architecture must be a vision transformer, such as vit_tiny'],
    [{ ...onVit, ibotWeight: 1, input: 'lightness' }, '--ibot-weight is above 0: --input must be rgb, not lightness'],
    [{ ...onVit, maskRatio: 0.4 }, '--mask-ratio is only used with --ibot-weight; add it'],
  ] as const)('%o are refused in one line', (given, message) => {
    expect(() => tinySettings(dino, given)).toThrow(message);
  });
});

describe('a step', () => {
  const traced = (given: GivenSettings) => {
    const settings = tinySettings(dino, given);
    const learner = learnerOf(settings, { count: 17, classes: 0 });
    const views = viewsOf(settings).map(({ count, size }, i) =>
      constant(`views ${i}`, noise(4 * count * size * size * 4, i), [4 * count, size, size, 4]),
    );
    const { graph, result } = trace(() => learner.step(views, new StepFeeds(4)));
    const ops = (name: string) => graph.nodes.filter(({ op }) => op.name === name).length;
    return { learner, ops, log: Object.keys(result.log ?? {}) };
  };

  it.each([onVit, sizes])('without what DINOv2 adds has nothing of it', (given) => {
    const { learner, ops, log } = traced(given);
    expect(Object.keys(learner.kept!)).toEqual(['teacher', 'center']);
    expect(log).toEqual(['teacherEntropy', 'kl', 'embeddingStd']);
    expect(['gather_rows', 'argmax_rows', 'log'].map(ops)).toEqual([0, 0, 0]);
  });

  it('logs each of them, and keeps a centre where there is one', () => {
    const all = { ...onVit, ibotWeight: 1, koleoWeight: 0.1 };
    const { learner, log } = traced(all);
    expect(log).toEqual(['teacherEntropy', 'kl', 'embeddingStd', 'patchLoss', 'patchEntropy', 'koleo']);
    expect(Object.keys(learner.kept!)).toEqual(['teacher', 'center', 'patchCenter']);
    expect(Object.keys(traced({ ...all, centering: 'sinkhorn' }).learner.kept!)).toEqual(['teacher']);
  });
});

describe('the teacher', () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await Gpu.open({ adapter: adapters[0] });
    return () => gpu.destroy();
  });

  it('of m = 0 is the student after a step, class token and positions too, which have changed', async () => {
    const state = new State(gpu);
    const settings = tinySettings(dino, { ...onVit, emaMomentum: 0, emaMomentumEnd: 0, ibotWeight: 1 });
    const { step, learner } = await compileTraining(state, residentImages(state, images), settings);
    const trained = new Map(
      learner.groups
        .flatMap(({ modules }) => modules.flatMap((m) => m.parameters))
        .map((p) => [p.tensor.name, p.tensor]),
    );
    const followers = keptEntries(learner.kept!['teacher']).map(({ tensor }) => tensor);
    const before = await state.readAll(followers);
    await step.step(Uint32Array.of(3, 16, 0, 7), { step: 1, epoch: 0 }).read();
    for (const tensor of followers)
      expect(await state.read(tensor), tensor.name).toEqual(
        await state.read(trained.get(withoutNetwork(tensor.name))!),
      );
    for (const name of ['teacher/cls_token', 'teacher/pos_embed']) {
      const tensor = followers.find((follower) => follower.name === name)!;
      expect(await state.read(tensor)).not.toEqual(before.get(tensor));
    }
    expect(followers.some(({ name }) => name.includes('mask'))).toBe(false);
    step.destroy();
    state.destroy();
  });
});

describe('iBOT', () => {
  const encoder = new Vit({ architecture: 'vit_tiny', width: 0.25, patch: 4, grid: 2, positions: 'learned', seed: 1 });
  const token = new MaskToken('mask', encoder.dimensions, 1);
  /** Of two images of four patches, the second patch of the first and the first and last of the other. */
  const isHidden = [0, 1, 0, 0, 1, 0, 0, 1];
  const pixels = noise(2 * 8 * 8 * 4, 3).map((v, i) => (i % 4 === 3 ? 0 : v));
  const mode = { training: true };
  const seen = (values: Float32Array) => {
    const mask = constant('mask', Float32Array.from(isHidden), [2, 4, 1]);
    return encoder.tokens(constant('x', values, [2, 8, 8, 4]), mode, { mask, token: token.token });
  };
  const lossOf = (patches: Tensor) => {
    const rows = constant('rows', Uint32Array.of(1, 4, 7));
    const student = gatherRows(patches, rows);
    const teacher = constant('teacher', noise(3 * encoder.dimensions, 4), [3, encoder.dimensions]);
    return ibotLoss({ student, teacher, center: 'sinkhorn', studentTemperature: 0.1, teacherTemperature: 0.04 }).loss;
  };

  it('gives the student’s tokens of patches that are seen no gradient, and those of hidden ones some', () => {
    const { graph, result } = trace(() => {
      const { patches } = seen(pixels);
      return gradients(lossOf(patches), [patches])[0];
    });
    const dx = interpret(graph).get(result)!;
    isHidden.forEach((hidden, patch) => {
      const own = dx.slice(patch * encoder.dimensions, (patch + 1) * encoder.dimensions);
      expect(own.some((value) => value !== 0)).toBe(hidden === 1);
    });
  });

  it('hides patches: what is in them changes no token of the student, what is in others does', () => {
    const tokens = (patch: number) => {
      const values = pixels.map((v, i) => {
        const [image, row, column] = [Math.floor(i / 256), Math.floor(i / 32) % 8, Math.floor(i / 4) % 8];
        return 4 * image + 2 * Math.floor(row / 4) + Math.floor(column / 4) === patch && i % 4 < 3 ? v + 1 : v;
      });
      const { graph, result } = trace(() => seen(values));
      const all = interpret(graph);
      return [...all.get(result.features)!, ...all.get(result.patches)!];
    };
    const plain = tokens(-1);
    isHidden.forEach((hidden, patch) => {
      if (hidden) expect(tokens(patch)).toEqual(plain);
      else expect(tokens(patch)).not.toEqual(plain);
    });
  });
});
