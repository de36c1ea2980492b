/** Training on labels with the stem and the first stages of the encoder left as they are. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostImages } from '../../src/data/source.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { plan } from '../../src/graph/plan.ts';
import { State } from '../../src/graph/state.ts';
import { readSafetensors } from '../../src/io/safetensors.ts';
import { classification, supervisedViews } from '../../src/methods/supervised.ts';
import { Classifier } from '../../src/nn/classifier.ts';
import { isInStages } from '../../src/nn/encoder_shape.ts';
import { countNumbers } from '../../src/nn/module.ts';
import { ResNet } from '../../src/nn/resnet.ts';
import { entriesOf, readEntries, type TorchTensor } from '../../src/nn/state_dict.ts';
import { trainingMode } from '../../src/ssl/step.ts';
import { traceStep } from '../../src/ssl/trace_step.ts';
import {
  classifierFile,
  parseSupervisedSettings,
  type SupervisedMode,
  type SupervisedOptions,
  trainSupervised,
} from '../../src/train/supervised.ts';
import { scratchFolder } from '../cli/run.ts';
import { adapters } from '../ops/harness.ts';
import { drawn } from './drawn.ts';

const folder = scratchFolder();
const size = 16;
const data = { train: drawn('train', 24, size), test: drawn('test', 12, size) };
const network = { architecture: 'resnet18', stem: 'cifar', width: 0.25 } as const;
const settingsOf = (given: object) =>
  parseSupervisedSettings({
    ...network,
    imageSize: size,
    batchSize: 12,
    epochs: 2,
    seed: 3,
    freezeStages: 2,
    ...given,
  });

let gpu: Gpu;
let encoder: Map<string, TorchTensor>;
beforeAll(async () => {
  gpu = await Gpu.open({ adapter: adapters[0] });
  const state = new State(gpu);
  encoder = await readEntries(state, entriesOf(new ResNet({ ...network, seed: 77 })));
  state.destroy();
});
afterAll(() => gpu.destroy());

const run = (
  name: string,
  settings: object = {},
  options: Partial<SupervisedOptions> = {},
  mode: SupervisedMode = 'transfer',
) => trainSupervised(gpu, data, mode, settingsOf(settings), { folder: join(folder, name), encoder, ...options });

const model = (name: string) => readSafetensors(classifierFile(join(folder, name))).tensors;

/** Names of the encoder's tensors that a training changed. */
const changed = (name: string): string[] => {
  const after = model(name);
  return [...encoder].filter(([key, { data }]) => `${after.get(key)!.data}` !== `${data}`).map(([key]) => key);
};
const names = (wanted: (name: string) => boolean) => [...encoder.keys()].filter(wanted);
const isFrozen = (name: string): boolean => /^(conv1|bn1|layer[12])\./.test(name);

describe('the stem and two stages', () => {
  it('are bit for bit what they were, weights and running statistics; all of the others moved', async () => {
    const { trained, parameters, encoder: digests } = await run('two', { weightDecay: 0.1 });
    expect(changed('two')).toEqual(names((name) => !isFrozen(name)));
    const whole = new Classifier({ ...network, seed: 1, classes: 10 });
    const rest = whole.parameters.filter(({ tensor }) => !isFrozen(tensor.name));
    expect([trained, parameters]).toEqual([countNumbers(rest), countNumbers(whole.parameters)]);
    expect(digests.after.weights).not.toBe(digests.before.weights);
  });

  it('count no batches, as their batch norms saw none', () => {
    const counters = [...model('two')].filter(([name]) => name.endsWith('num_batches_tracked'));
    expect(counters).toHaveLength(20);
    for (const [name, { data }] of counters) expect(data, name).toEqual(BigInt64Array.of(isFrozen(name) ? 0n : 4n));
  });

  it('the training that is stopped after a step and called again is the one that was not stopped', async () => {
    for (const stopAt of [1, 3]) {
      const stop = new AbortController();
      const onStep = ({ step }: { step: number }) => step === stopAt && stop.abort(new Error('stopped'));
      const stopped = run('stopped', { weightDecay: 0.1 }, { events: { onStep }, signal: stop.signal });
      await expect(stopped).rejects.toThrow('stopped');
    }
    await run('stopped', { weightDecay: 0.1 });
    const [one, other] = ['two', 'stopped'].map((name) => model(name));
    expect([...other.keys()]).toEqual([...one.keys()]);
    for (const [name, { data }] of one) expect(`${other.get(name)!.data}`, name).toBe(`${data}`);
  });

  it('a folder of a training with others frozen is refused', async () => {
    await expect(run('two', { weightDecay: 0.1, freezeStages: 1 })).rejects.toThrow(
      /holds a training with freezeStages 2 in place of 1; choose another folder$/,
    );
  });

  it('with four stages only the classifier learns; in f16 as in f32 the frozen part stays', async ({ skip }) => {
    await run('four', { freezeStages: 4, epochs: 1 });
    expect(changed('four')).toEqual([]);
    expect(model('four').get('fc.weight')!.data).not.toEqual((await fresh()).get('fc.weight')!.data);
    if (!gpu.traits.features.has('shader-f16')) skip("the adapter has no 'shader-f16'");
    await run('half', { precision: 'f16', epochs: 1 });
    expect(changed('half')).toEqual(names((name) => !isFrozen(name)));
  });
});

/** A classifier as training finds it. */
async function fresh(): Promise<Map<string, TorchTensor>> {
  const state = new State(gpu);
  const { fc } = new Classifier({ ...network, seed: 3, classes: 10 });
  const values = await readEntries(state, fc.parameters);
  state.destroy();
  return values;
}

describe('the step', () => {
  const opsOf = (freezeStages: number) => {
    const settings = settingsOf({ freezeStages });
    const classifier = new Classifier({ ...network, seed: 1, classes: 10 });
    const [{ graph, outputs }] = traceStep({
      learner: classification(classifier, { training: trainingMode(settings), freezeStages }),
      views: supervisedViews(settings),
      source: hostImages(data.train),
      settings: { ...settings, microBatch: 0, steps: 0 },
    }).phases;
    // What nobody reads is traced, but not run.
    const { nodes } = plan(graph, Object.values(outputs), gpu.traits);
    const count = (op: string) => nodes.filter((node) => node.op.name === op).length;
    const still = graph.nodes.filter(({ attrs }) => (attrs as { training?: boolean } | null)?.training === false);
    return [...['conv2d', 'conv2d_backward_weight', 'conv2d_backward_input'].map(count), still.length];
  };

  it('computes no gradient in what is frozen, and normalises there by running statistics', () => {
    // Of 20 convolutions the first has no gradient of its input: it is an image.
    expect(opsOf(0)).toEqual([20, 20, 19, 0]);
    // 1 + 4 are frozen; two convolutions read the last frozen map, of which nobody asks a gradient.
    expect(opsOf(1)).toEqual([20, 15, 13, 5]);
    expect(opsOf(2)).toEqual([20, 10, 8, 10]);
    expect(opsOf(4)).toEqual([20, 0, 0, 20]);
  });
});

describe('what is wrong is said in one line', () => {
  it.each(['baseline', 'frozen'] as const)('%s has nothing to freeze', async (mode) => {
    await expect(run('wrong', {}, {}, mode)).rejects.toThrow(
      new RegExp(`^${mode}: .*; set freezeStages to 0, or use transfer$`),
    );
  });

  it.each([5, -1, 1.5, 'two'])('%s stages', (freezeStages) => {
    expect(() => settingsOf({ freezeStages })).toThrow(/^[^\n]*--freeze-stages must be [^\n]*$/);
  });
});

it('tensors are of the stages that their names say, in encoders of one network and of two', () => {
  const held = (stages: number) =>
    [
      'conv1.weight',
      'lightness/bn1.running_mean',
      'layer1.0.conv1.weight',
      'color/layer2.1.bn2.bias',
      'layer4.0.conv1.weight',
    ].map((name) => isInStages(name, stages));
  expect(held(0)).toEqual([false, false, false, false, false]);
  expect(held(1)).toEqual([true, true, true, false, false]);
  expect(held(3)).toEqual([true, true, true, true, false]);
  expect(held(4)).toEqual([true, true, true, true, true]);
  expect(['fc.weight', 'head.0.weight', 'layer10.weight'].map((name) => isInStages(name, 4))).toEqual([
    false,
    false,
    false,
  ]);
});
