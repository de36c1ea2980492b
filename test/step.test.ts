/** The whole step, from indices of images to updated weights: against the float64 reference, and against itself. */
import { describe, expect, it, vi } from 'vitest';
import type { ImageSet } from '../src/data/images.ts';
import { hostImages, type ImageSource, residentImages } from '../src/data/source.ts';
import { Gpu } from '../src/gpu/device.ts';
import { Program } from '../src/graph/program.ts';
import { State } from '../src/graph/state.ts';
import type { Data, Tensor } from '../src/graph/tensor.ts';
import type { Graph } from '../src/graph/trace.ts';
import type { NamedTensor } from '../src/nn/module.ts';
import type { Learner } from '../src/ssl/method.ts';
import { trainedParameters } from '../src/ssl/step.ts';
import { TrainingStep } from '../src/ssl/training_step.ts';
import { stepParts } from '../src/train/learner.ts';
import { type GivenSettings, parseSettings, type TrainSettings } from '../src/train/settings.ts';
import { difference, norm, normError } from './golden/harness.ts';
import { adapters, noise, onEveryAdapter } from './ops/harness.ts';
import { interpret, type Values } from './reference/interpreter.ts';
import { smallStep } from './small_step.ts';
import { lowbias32 } from './values.ts';

// Seconds each on a machine of its own; tests of other files may share it.
vi.setConfig({ testTimeout: 600_000 });

/** Images with large patches of colour under noise, by formula. */
const images: ImageSet = {
  name: 'images by formula',
  count: 9,
  height: 40,
  width: 36,
  skipped: [],
  read(i, target, offset) {
    for (let byte = 0; byte < 40 * 36 * 3; byte++) {
      const [row, column, channel] = [Math.floor(byte / 108), Math.floor(byte / 3) % 36, byte % 3];
      const patch = lowbias32(i * 100 + Math.floor(row / 9) * 10 + Math.floor(column / 9) + channel * 1000) % 200;
      target[offset + byte] = patch + (lowbias32(byte + i * 7919) % 56);
    }
  },
};

/** A run of few numbers. Views may be smaller than those of a run that a user starts. */
function settingsOf({ imageSize, ...given }: GivenSettings & { readonly imageSize: number }): TrainSettings {
  const small = { method: 'simclr', batchSize: 3, temperature: 0.5, embeddingDim: 20, headWidth: 30 };
  const optimization = { optimizer: 'sgd', momentum: 0.9, weightDecay: 1e-3 };
  return { ...parseSettings({ ...small, ...optimization, ...given }), imageSize };
}
/** Images of a batch: so many of these. */
const order = Uint32Array.of(4, 0, 8, 3, 7, 2, 6, 1);
const counters = { step: 1, epoch: 2, lr: 0.1 };

const inputsOf = (graph: Graph): Tensor[] => [
  ...new Set(graph.nodes.flatMap((node) => node.inputs).filter((tensor) => tensor.origin.kind === 'input')),
];

/** The interpreter's values of one step, and how many of ReLU's and max-pool's choices rounding made otherwise on the device. */
async function compareStep(adapter: string, settings: TrainSettings) {
  const gpu = await Gpu.open({ adapter });
  const state = new State(gpu);
  const parts = stepParts(hostImages(images), settings);
  const training = await TrainingStep.create(state, parts, { inspect: true });
  const indices = order.subarray(0, settings.batchSize);
  const [{ phase: traced, program, inputs: given }] = training.runs(indices, counters);
  const values = interpret(
    traced.graph,
    new Map(inputsOf(traced.graph).map((tensor) => [tensor, Float64Array.from(given[tensor.name])])),
  );
  const outputs = await training.step(indices, counters).read();
  let choices = 0;
  for (const { op, outputs: made } of traced.graph.nodes) {
    const chosen = op.name === 'relu' ? made[0] : op.name === 'max_pool' ? made[1] : undefined;
    if (!chosen) continue;
    const [ours, theirs] = [await program.inspect(chosen), values.get(chosen)!];
    const sign = chosen.dtype === 'f32' ? Math.sign : (value: number) => value;
    for (let i = 0; i < theirs.length; i++) if (sign(ours[i]) !== sign(theirs[i])) choices++;
  }
  const close = async () => {
    expect(await program.damagedGuards()).toEqual([]);
    program.destroy();
    state.destroy();
    gpu.destroy();
  };
  return { state, learner: parts.learner, traced, program, values, outputs, choices, close };
}

const cases: [string, Parameters<typeof settingsOf>[0], string[]][] = [
  ['resnet18, imagenet stem, 32 pixels', { imageSize: 32 }, adapters.slice(0, 1)],
  [
    'resnet18, cifar stem, 12 pixels, batch norm in the head',
    { stem: 'cifar', headBatchNorm: true, imageSize: 12 },
    adapters.slice(0, 1),
  ],
  // Its last maps are single pixels: of fewer pairs, batch norm divides by deviations of so few values that rounding shows.
  [
    'resnet50 of width 0.25, 32 pixels',
    { architecture: 'resnet50', width: 0.25, imageSize: 32, batchSize: 8 },
    adapters,
  ],
];
const everyCase = cases.flatMap(([name, given, on]) => on.map((adapter) => [adapter, name, given] as const));

describe('the step equals the float64 reference', () => {
  it.each(everyCase)('%s: %s', async (adapter, _name, given) => {
    const compared = await compareStep(adapter, settingsOf(given));
    const { state, learner, traced, program, values, outputs, choices, close } = compared;
    const { loss, accuracy, embeddingStd, firstNonFinite } = traced.outputs;
    // An input of a ReLU that is 0 but for rounding makes another choice now and then, which all gradients below feel.
    expect(choices).toBeLessThan(10);
    const tolerance = 1e-3 + 0.03 * choices;
    expect(Math.abs(outputs.loss / values.get(loss)![0] - 1)).toBeLessThan(1e-5);
    expect(outputs.metrics['accuracy']).toBeCloseTo(values.get(accuracy)![0], 6);
    expect(Math.abs(outputs.metrics['embeddingStd'] / values.get(embeddingStd)![0] - 1)).toBeLessThan(1e-5);
    expect([outputs.firstNonFinite, values.get(firstNonFinite)![0]]).toEqual([0, 0]);
    expect(await compareGradients(traced.graph, program, values), 'gradients').toBeLessThan(tolerance);
    const worst = { weight: 0, statistic: 0 };
    for (const { tensor } of trainedParameters(learner)) {
      // By how much it moved: the gradient again, and decay.
      const start = (tensor.origin as { init(): Data }).init();
      const [ours, theirs] = [await state.read(tensor), member(values, tensor)];
      worst.weight = Math.max(worst.weight, normError(difference(ours, start), difference(theirs, start)));
    }
    for (const { tensor } of trainedBuffers(learner))
      worst.statistic = Math.max(worst.statistic, normError(await state.read(tensor), values.get(tensor)!));
    // The sum with the weight is rounded to f32, and some changes are a ten-thousandth of the weight.
    expect(worst.weight, 'changes of weights').toBeLessThan(tolerance + 3e-3);
    expect(worst.statistic, 'running statistics').toBeLessThan(1e-4);
    await close();
  });
});

/**
 * The largest error of the gradient of a parameter, norm by norm. (Some are 0 but for rounding, as a bias before a batch norm has:
 * they are taken relative to a thousandth of all gradients.)
 */
async function compareGradients(graph: Graph, program: Program, values: ReadonlyMap<Tensor, Values>): Promise<number> {
  const flat = graph.nodes.find(({ op }) => op.name === 'flatten')!;
  const all = norm(values.get(flat.outputs[0])!);
  let worst = 0;
  for (const gradient of flat.inputs) {
    const expected = values.get(gradient)!;
    const error = norm(difference(await program.inspect(gradient), expected));
    worst = Math.max(worst, error / Math.max(norm(expected), all / 1000));
  }
  return worst;
}

const trainedBuffers = ({ groups }: Learner): NamedTensor[] =>
  groups.flatMap(({ modules }) => modules.flatMap(({ buffers }) => buffers));

/** The value of a member of flat weights after an update. */
function member(values: Map<Tensor, Values>, tensor: Tensor): Values {
  const { parent, offset } = tensor.flat!;
  return values.get(parent)!.subarray(offset, offset + tensor.size);
}

onEveryAdapter((gpu) => {
  it('three steps from one state are the same bits, with images on the device and sent from the host', async () => {
    const run = async (sourceOf: (state: State) => ImageSource): Promise<Data[]> => {
      const state = new State(gpu());
      const settings = settingsOf({ imageSize: 20, optimizer: 'adam', weightDecay: 1e-4 });
      const parts = stepParts(sourceOf(state), settings);
      const training = await TrainingStep.create(state, parts);
      const results: Data[] = [];
      for (const step of [1, 2, 3]) {
        const batch = Uint32Array.of(step, 8 - step, 0);
        const { loss, metrics } = await training.step(batch, { step, epoch: 0, lr: 1e-3 }).read();
        results.push(Float32Array.of(loss, metrics['accuracy'], metrics['embeddingStd']));
      }
      const { learner } = parts;
      const { optimizer } = training.traced.groups[0].trained;
      const kept = [...trainedParameters(learner), ...trainedBuffers(learner)].map(({ tensor }) => tensor);
      const all = await state.readAll([...kept, ...optimizer.state.map(({ variable: moment }) => moment)]);
      training.destroy();
      state.destroy();
      gpu().trim();
      return [...results, ...all.values()];
    };
    const bits = (results: readonly Data[]) =>
      results.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength));
    const expected = bits(await run(() => hostImages(images)));
    for (const source of [() => hostImages(images), (state: State) => residentImages(state, images)]) {
      const again = bits(await run(source));
      expect(again.length).toBe(expected.length);
      expect(again.map((buffer, i) => buffer.equals(expected[i])).indexOf(false), 'the first result that differs').toBe(
        -1,
      );
    }
  });

  it('programs that come and go leave nothing behind', async () => {
    gpu().trim();
    const before = gpu().bytes;
    for (let i = 0; i < 20; i++) {
      const state = new State(gpu());
      const { graph, outputs, optimizer } = smallStep();
      const program = await Program.compile(graph, state, outputs, { inspect: i % 2 === 0 });
      const given = { views: noise(8 * 8 * 8 * 4), step: Uint32Array.of(1), ...optimizer.scalars(1, 1e-3) };
      await program.run(given).read();
      program.destroy();
      state.destroy();
    }
    gpu().trim();
    expect(gpu().bytes).toBe(before);
  });
});
