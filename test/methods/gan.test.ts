/** A GAN: its step and its resume, and what must hold of two networks that learn from each other. */
import { beforeAll, describe, expect, it } from 'vitest';
import { residentImages } from '../../src/data/source.ts';
import { UserError } from '../../src/errors.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { generatorLoss } from '../../src/losses/adversarial.ts';
import { gan } from '../../src/methods/gan.ts';
import type { DcganDiscriminator, DcganGenerator } from '../../src/nn/dcgan.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { StepFeeds } from '../../src/ssl/feeds.ts';
import type { Learner } from '../../src/ssl/method.ts';
import { compileTraining, learnerOf, type Training } from '../../src/train/learner.ts';
import { type GivenSettings, parseSettings } from '../../src/train/settings.ts';
import { adapters } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';
import { images, testMethod, tinySettings } from './harness.ts';

testMethod(gan, { instanceNoise: 0.3 });

let gpu: Gpu;
beforeAll(async () => {
  gpu = await Gpu.open({ adapter: adapters[0] });
  return () => gpu.destroy();
});

async function withTraining(given: GivenSettings, use: (training: Training, state: State) => Promise<void>) {
  const state = new State(gpu);
  const training = await compileTraining(state, residentImages(state, images), tinySettings(gan, given));
  await use(training, state);
  training.step.destroy();
  state.destroy();
}

const networksOf = ({ groups }: Learner) => ({
  discriminator: groups[0].modules[0] as unknown as DcganDiscriminator,
  generator: groups[1].modules[0] as unknown as DcganGenerator,
});

const batch = Uint32Array.of(3, 16, 0, 7);
const run = ({ step }: Training, number: number) => step.step(batch, { step: number, epoch: 0 }).read();

/** Values of the parameters of a group. */
const weightsOf = async ({ learner }: Training, group: number, state: State) => {
  const tensors = learner.groups[group].modules.flatMap(({ parameters }) => parameters.map(({ tensor }) => tensor));
  return [...(await state.readAll(tensors)).values()];
};

const noRate = (learner: Learner, group: number) => {
  Object.assign(learner.groups[group], { lr: () => 0 });
};

describe('a discriminator whose last layer has no weights', () => {
  it('has a loss of 2 log 2, the generator one of log 2, and is half right of both kinds', async () => {
    await withTraining({}, async (training, state) => {
      const { parameters } = networksOf(training.learner).discriminator;
      const last = parameters.slice(-2).map(({ tensor }) => tensor);
      expect(last.map(({ name }) => name)).toEqual(['discriminator.linear.weight', 'discriminator.linear.bias']);
      for (const tensor of last) state.write(tensor, new Float32Array(tensor.size));
      noRate(training.learner, 0); // so that the generator meets it as it is
      const { loss, metrics } = await run(training, 1);
      expect(loss).toBeCloseTo(2 * Math.LN2, 6);
      expect(metrics['loss_generator']).toBeCloseTo(Math.LN2, 6);
      expect(metrics).toMatchObject({ accuracyReal: 0.5, accuracyFake: 0.5 });
      expect([metrics['lossReal'], metrics['lossFake']].map((value) => value.toFixed(6))).toEqual([
        '0.693147',
        '0.693147',
      ]);
    });
  });
});

describe('instance noise', () => {
  const traced = (instanceNoise: number) => {
    const feeds = new StepFeeds(4);
    const made = learnerOf(tinySettings(gan, { instanceNoise }), { count: 17, classes: 0 });
    const view = constant('view', new Float32Array(4 * 16 * 16 * 4), [4, 16, 16, 4]);
    const { graph } = trace(() => made.step([view], feeds).losses.map(([, loss]) => loss()));
    const at = (step: number) =>
      feeds.values({ ...{ seed: 1, epoch: 0, steps: 4, perEpoch: 4, first: 0 }, step, indices: batch });
    return { noises: graph.nodes.filter(({ op }) => op.name === 'gaussian_noise'), at };
  };

  it('is other noise on photographs and on both passes of what is made, and none without it', () => {
    const { noises } = traced(0.3);
    expect(new Set(noises.map(({ attrs }) => JSON.stringify(attrs))).size).toBe(3);
    expect(traced(0).noises).toEqual([]);
  });

  it('falls to 0 at the end of the run, and is drawn anew in every step', () => {
    const { at } = traced(0.3);
    const deviations = [1, 2, 3, 4].map((step) => at(step)['deviation'][0]);
    [0.3, 0.225, 0.15, 0.075].forEach((wanted, i) => expect(deviations[i]).toBeCloseTo(wanted, 6));
    expect(at(1)['noise']).not.toEqual(at(2)['noise']);
    expect(at(1)['noise']).toEqual(traced(0.3).at(1)['noise']);
  });
});

describe('two groups', () => {
  const learner = () => learnerOf(tinySettings(gan), { count: 17, classes: 0 });
  const view = () => constant('view', new Float32Array(4 * 16 * 16 * 4).fill(0.5), [4, 16, 16, 4]);
  const gradientOf = (made: Learner, loss: number, tensor: Tensor) =>
    trace(() => gradients(made.step([view()], new StepFeeds(4)).losses[loss][1](), [tensor]));

  it('the loss of the discriminator has no gradient in the generator, that of the generator has one', () => {
    const made = learner();
    const { generator, discriminator } = networksOf(made);
    for (const { tensor } of generator.parameters) {
      expect(() => gradientOf(made, 0, tensor), tensor.name).toThrow('the loss does not depend on');
      expect(() => gradientOf(made, 1, tensor)).not.toThrow();
    }
    for (const { tensor } of discriminator.parameters) expect(() => gradientOf(made, 0, tensor)).not.toThrow();
  });

  it.each([0, 1])('an update of group %d leaves the weights of the other bit for bit as they were', async (moving) => {
    await withTraining({}, async (training, state) => {
      noRate(training.learner, 1 - moving);
      const before = [await weightsOf(training, 0, state), await weightsOf(training, 1, state)];
      await run(training, 1);
      const after = [await weightsOf(training, 0, state), await weightsOf(training, 1, state)];
      expect(after[1 - moving]).toEqual(before[1 - moving]);
      for (const [i, values] of after[moving].entries()) expect(values).not.toEqual(before[moving][i]);
    });
  });

  it('the generator learns from the discriminator as the first update left it', async () => {
    await withTraining({ lr: 0.01 }, async (training, state) => {
      const { learner, step } = training;
      noRate(learner, 1); // its images stay the same
      const { discriminator, generator } = networksOf(learner);
      const [{ inputs }] = step.runs(batch, { step: 1, epoch: 0 });
      const mode = { training: true, batchShare: 0 };
      const { graph, result } = trace(() => {
        const z = constant('z', inputs['z'] as Float32Array, [4, 100]);
        return { loss: generatorLoss(discriminator.forward(generator.forward(z, mode), mode)) };
      });
      const program = await Program.compile(graph, state, result);
      const value = async () => (await program.run({}).read())['loss'][0];
      const first = await value();
      const { metrics } = await run(training, 1);
      expect(metrics['loss_generator']).toBeCloseTo(await value(), 5);
      expect(Math.abs(metrics['loss_generator'] - first)).toBeGreaterThan(0.1);
      program.destroy();
    });
  });
});

it('running statistics of the discriminator are those of photographs alone', async () => {
  await withTraining({}, async (training, state) => {
    const indices = Uint32Array.of(1, 2, 3, 4);
    const [{ phase, inputs }] = training.step.runs(indices, { step: 1, epoch: 0 });
    const packed = new Map<Tensor, Float64Array>();
    for (const tensor of phase.graph.nodes.flatMap((node) => node.inputs)) {
      if (tensor.origin.kind === 'input') packed.set(tensor, Float64Array.from(inputs[tensor.name]));
      else if (tensor.origin.kind === 'variable' && tensor.dtype === 'u32' && tensor.shape.length === 2)
        packed.set(tensor, Float64Array.from(await state.read(tensor)));
    }
    const values = interpret(phase.graph, packed);
    // The first convolution of the graph whose input is the batch, not what the generator made.
    const first = phase.graph.nodes.find(({ label }) => label === 'layer1.conv/conv2d')!.outputs[0];
    const map = values.get(first)!;
    const channels = first.shape[3];
    const means = Array.from({ length: channels }, (_, c) => {
      const own = map.filter((_, i) => i % channels === c);
      return own.reduce((sum, value) => sum + value, 0) / own.length;
    });
    await training.step.step(indices, { step: 1, epoch: 0 }).read();
    const running = training.learner.encoder.buffers.find(({ tensor }) => tensor.name === 'layer1.bn.running_mean')!;
    const got = (await state.read(running.tensor)) as Float32Array;
    for (const [c, mean] of means.entries()) expect(Math.abs(got[c] - 0.1 * mean)).toBeLessThan(1e-5);
    expect(Math.max(...means.map(Math.abs))).toBeGreaterThan(1e-3);
  });
});

it('noise is of the step and the image, uniform in −1 … 1, and that of figures is no step’s', async () => {
  await withTraining({}, async ({ step }) => {
    const z = (number: number, indices = batch) => {
      const [{ inputs }] = step.runs(indices, { step: number, epoch: 0 });
      return Array.from(inputs['z'] as Float32Array);
    };
    expect(z(1)).toEqual(z(1));
    expect(z(2)).not.toEqual(z(1));
    expect(z(1, batch.toReversed()).slice(300)).toEqual(z(1).slice(0, 100));
    const all = Array.from({ length: 20 }, (_, i) => z(i + 1)).flat();
    expect(new Set(all).size).toBeGreaterThan(7900);
    expect(Math.max(...all.map(Math.abs))).toBeLessThanOrEqual(1);
    expect(Math.abs(all.reduce((sum, value) => sum + value, 0) / all.length)).toBeLessThan(0.03);
    expect(all.reduce((sum, value) => sum + value * value, 0) / all.length).toBeCloseTo(1 / 3, 1);
  });
});

it.each<[GivenSettings, RegExp]>([
  [{ architecture: 'resnet18' }, /method gan: --architecture must be dcgan, not resnet18: the discriminator is the/],
  [{ normalize: 'imagenet' }, /method gan: --normalize must be half, not imagenet: the generator's images are in/],
  [{ imageSize: 36 }, /method gan: --image-size must be a multiple of 8, not 36: the generator doubles a small map/],
])('refuses %o', (given, message) => {
  const parse = () => parseSettings({ method: 'gan', ...given });
  expect(parse).toThrow(UserError);
  expect(parse).toThrow(message);
});
