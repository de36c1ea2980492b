import { describe, expect, it } from 'vitest';
import { residentImages } from '../../src/data/source.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { constant, trace, variable } from '../../src/graph/trace.ts';
import { discriminatorLoss } from '../../src/losses/adversarial.ts';
import { pictureError } from '../../src/losses/picture_error.ts';
import { contextEncoder } from '../../src/methods/context_encoder.ts';
import { DcganDiscriminator } from '../../src/nn/dcgan.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { StepFeeds, type StepTime } from '../../src/ssl/feeds.ts';
import { bandOf, blockHoles, centreHole, drawnBlocks } from '../../src/ssl/holes.ts';
import type { PictureFigure } from '../../src/ssl/method.ts';
import { compileTraining, learnerOf } from '../../src/train/learner.ts';
import type { GivenSettings } from '../../src/train/settings.ts';
import { adapters, noise } from '../ops/harness.ts';
import { interpret, type Values } from '../reference/interpreter.ts';
import { expectStepOfReference, images, testMethod, tinySettings } from './harness.ts';

testMethod(contextEncoder);

const size = 16;
const time: StepTime = { seed: 1, step: 1, epoch: 0, steps: 9, perEpoch: 9, indices: Uint32Array.of(4, 2), first: 0 };

function constantValue({ origin }: Tensor): Values {
  if (origin.kind !== 'constant') throw new Error('what is asked for was not computed');
  return Float64Array.from(origin.data);
}

/** Values of what is recorded, with what is fed at that time. */
function valuesOf(build: (feeds: StepFeeds) => readonly Tensor[], given: readonly [Tensor, Values][] = []): Values[] {
  const feeds = new StepFeeds(2);
  const { graph, result } = trace(() => build(feeds));
  const fed = feeds.values(time);
  const inputs = graph.nodes.flatMap((node) => node.inputs).filter(({ origin }) => origin.kind === 'input');
  const all = [...inputs.map((tensor) => [tensor, Float64Array.from(fed[tensor.name])] as const), ...given];
  const values = interpret(graph, new Map(all));
  return result.map((tensor) => values.get(tensor) ?? constantValue(tensor));
}

it.each([{ region: 'blocks' }, { adversarialWeight: 0, decoder: 'deconv', normalize: 'imagenet' }] as const)(
  'a step with %j equals the float64 reference too, and runs again to the same numbers',
  async (given) => {
    const gpu = await Gpu.open({ adapter: adapters[0] });
    const losses: number[] = [];
    for (let time = 0; time < 2; time++) {
      const state = new State(gpu);
      const training = await compileTraining(state, residentImages(state, images), tinySettings(contextEncoder, given));
      if (time === 0) await expectStepOfReference(state, training);
      else losses.push((await training.step.step(Uint32Array.of(3, 16, 0, 7), { step: 2, epoch: 0 }).read()).loss);
      training.step.destroy();
      const again = await compileTraining(state, residentImages(state, images), tinySettings(contextEncoder, given));
      losses.push((await again.step.step(Uint32Array.of(3, 16, 0, 7), { step: 2, epoch: 0 }).read()).loss);
      again.step.destroy();
      state.destroy();
    }
    expect(new Set(losses).size).toBe(1);
    gpu.destroy();
  },
);

it('without an adversarial loss there is no discriminator', () => {
  const facts = { count: 17, classes: 0 };
  const groups = (adversarialWeight: number) =>
    learnerOf(tinySettings(contextEncoder, { adversarialWeight }), facts).groups.map(({ name }) => name);
  expect(groups(0)).toEqual(['main']);
  expect(groups(0.001)).toEqual(['main', 'discriminator']);
});

it('a discriminator that sees no difference has the loss 2 log 2', () => {
  const d = new DcganDiscriminator('d', { size: 8, width: 0.25, seed: 1 });
  const last = d.parameters.find(({ tensor }) => tensor.name === 'd.linear.weight')!.tensor;
  const pictures = (seed: number) => constant(`pictures ${seed}`, noise(2 * 8 * 8 * 4, seed), [2, 8, 8, 4]);
  const loss = (given: [Tensor, Values][]) =>
    valuesOf(() => {
      const [real, fake] = [1, 2].map((seed) => d.forward(pictures(seed), { training: true }));
      return [discriminatorLoss(real, fake).loss];
    }, given)[0][0];
  expect(loss([[last, new Float64Array(last.size)]])).toBeCloseTo(2 * Math.LN2, 12);
  expect(Math.abs(loss([]) - 2 * Math.LN2)).toBeGreaterThan(1e-6);
});

describe.each(['center', 'blocks'] as const)('region %s', (region) => {
  const holesFor = (feeds: StepFeeds) => (region === 'center' ? centreHole(size, 10) : blockHoles(size, feeds));
  const clean = noise(2 * size * size * 4, 5).map((value, i) => (i % 4 === 3 ? 0 : value));
  const hidden = () => {
    const [mask] = valuesOf((feeds) => [holesFor(feeds).hidden]);
    return Float64Array.from({ length: 2 * size * size }, (_, i) => mask[i % mask.length]);
  };

  it('hides a quarter of the picture at most, and something of it', () => {
    const share = hidden().reduce((a, b) => a + b) / (2 * size * size);
    expect(share).toBeGreaterThan(0.06);
    expect(share).toBeLessThanOrEqual(0.25);
  });

  it('what is hidden has no part in what is made of the rest', () => {
    const learner = learnerOf(tinySettings(contextEncoder, { region }), { count: 17, classes: 0 });
    const { record } = learner.figures![0] as PictureFigure;
    const mask = hidden();
    const filled = (views: Float32Array) =>
      valuesOf((feeds) => {
        const { seen, filled } = record([constant('views', views, [2, size, size, 4])], feeds);
        return [seen, filled];
      });
    const other = clean.map((value, i) => (i % 4 < 3 && mask[Math.floor(i / 4)] === 1 ? value + 1 : value));
    const [before, after] = [filled(clean), filled(other)];
    expect(after[0]).toEqual(before[0]);
    expect(after[1]).toEqual(before[1]);
    const around = clean.map((value, i) => (i % 4 < 3 && mask[Math.floor(i / 4)] === 0 ? value + 1 : value));
    expect(filled(around)[1]).not.toEqual(before[1]);
  });

  it('the error has no gradient at pixels of the truth that are not to be made', () => {
    const x = variable('x', [2, size, size, 4], () => clean);
    const [gradient, weight] = valuesOf((feeds) => {
      const holes = holesFor(feeds);
      const truth = holes.part(x);
      const made = constant('made', noise(truth.size, 9), truth.shape);
      return [gradients(pictureError(made, truth, holes.weight), [x])[0], holes.weight];
    });
    const side = Math.sqrt(weight.length / (region === 'center' ? 1 : 2));
    const first = (size - side) / 2;
    const mask = hidden();
    const isMade = (pixel: number) => {
      const [row, column] = [Math.floor(pixel / size) % size, pixel % size];
      const inside = [row, column].every((at) => at >= first && at < first + side);
      return region === 'center' ? inside : mask[pixel] === 1;
    };
    for (let pixel = 0; pixel < 2 * size * size; pixel++)
      expect(gradient[4 * pixel] !== 0, `pixel ${pixel}`).toBe(isMade(pixel));
  });
});

it('the band around the centre is seen, is made, and counts ten times', () => {
  expect([16, 32, 96, 128].map(bandOf)).toEqual([1, 1, 3, 4]);
  const [weight, hole] = valuesOf(() => [centreHole(32, 10).weight, centreHole(32, 10).hole]);
  expect([weight.length, hole.reduce((a, b) => a + b)]).toEqual([16 * 16, 14 * 14]);
  expect([...weight].every((value, i) => value === (hole[i] === 1 ? 1 : 10))).toBe(true);
});

it('blocks lie within the picture, elsewhere in another epoch', () => {
  const all = Array.from({ length: 200 }, (_, image) => drawnBlocks(size, image, { seed: 1, epoch: 0 })).flat(2);
  expect([Math.min(...all), Math.max(...all)]).toEqual([0, size - 4]);
  expect(drawnBlocks(size, 3, { seed: 1, epoch: 1 })).not.toEqual(drawnBlocks(size, 3, { seed: 1, epoch: 0 }));
});

it('refuses settings of what there is not', () => {
  const refused = (given: GivenSettings) => expect(() => tinySettings(contextEncoder, given));
  refused({ region: 'blocks', bandWeight: 3 }).toThrow('--band-weight is of --region center');
  refused({ adversarialWeight: 0, discriminatorLrFactor: 1 }).toThrow('--discriminator-lr-factor needs');
});
