/** A step that several processes share: what one process does in pieces, or at once, and the same on all of them. */
import { expect, it, vi } from 'vitest';
import { hostImages, residentImages } from '../../src/data/source.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { negativeCosine } from '../../src/losses/negative_cosine.ts';
import type { Communicator } from '../../src/mpi/communicator.ts';
import { BatchNorm, Conv2d, Linear } from '../../src/nn/layers.ts';
import { inNetwork, type Mode } from '../../src/nn/module.ts';
import { detach } from '../../src/ops/detach.ts';
import { globalAvgPool } from '../../src/ops/global_avg_pool.ts';
import { relu } from '../../src/ops/relu.ts';
import { sgd } from '../../src/optim/sgd.ts';
import { type StepParts, trainedParameters, trainingMode } from '../../src/ssl/step.ts';
import { Teacher } from '../../src/ssl/teacher.ts';
import { type StepValues, TrainingStep } from '../../src/ssl/training_step.ts';
import { divergence } from '../../src/train/diagnose.ts';
import { checkSameWeights } from '../../src/train/same_weights.ts';
import { localRanks, onAll } from '../mpi/local_ranks.ts';
import { onEveryAdapter, relativeError } from '../ops/harness.ts';
import { drawn } from '../train/drawn.ts';
import { contrastiveDefaults, contrastiveParts } from './contrastive.ts';
import { expectNear, type Values, valuesOf } from './left_by_steps.ts';

vi.setConfig({ testTimeout: 300_000 });

const images = drawn('train', 17, 16);
const indices = Uint32Array.of(4, 0, 16, 7, 9, 2);
const options = {
  ...contrastiveDefaults,
  ...{ imageSize: 8, batchSize: indices.length, temperature: 0.5 },
  makeOptimizer: (weights: Tensor) => sgd(weights, { momentum: 0.9, weightDecay: 1e-3 }),
};

/** Convolution, batch norm if wanted, ReLU, pooling, a linear layer. */
class Small {
  private readonly conv: Conv2d;
  private readonly norm: BatchNorm | undefined;
  private readonly fc: Linear;

  constructor(normalised: boolean, network = '') {
    this.conv = new Conv2d(inNetwork(network, 'conv'), 3, 8, { kernel: 3, padding: 1, seed: 1 });
    this.norm = normalised ? new BatchNorm(inNetwork(network, 'bn'), 8) : undefined;
    this.fc = new Linear(inNetwork(network, 'fc'), 8, 6, 1);
  }

  get parameters() {
    return [this.conv, ...(this.norm ? [this.norm] : []), this.fc].flatMap((layer) => layer.parameters);
  }

  get buffers() {
    return this.norm?.buffers ?? [];
  }

  embeddings(x: Tensor, mode: Mode): Tensor {
    const maps = this.conv.forward(x);
    return this.fc.forward(globalAvgPool(relu(this.norm ? this.norm.forward(maps, mode) : maps)));
  }
}

type Make = (state: State, ranks?: Communicator) => StepParts;

/** Embeddings that are compared with all of the batch, in pieces. */
const contrastive =
  (microBatch: number, normalised = true): Make =>
  (state, ranks) => ({
    ...contrastiveParts(new Small(normalised), residentImages(state, images), { ...options, microBatch }),
    ranks,
  });

/** A mean over images: the likeness to a teacher that follows. */
const averaged =
  (normalised: boolean): Make =>
  (_, ranks) => {
    const [student, other] = [new Small(normalised), new Small(normalised, 'teacher')];
    const teacher = new Teacher([other], [student]);
    const mode = { ...trainingMode(options), batchShare: 1 / (ranks?.size ?? 1) };
    const learner: StepParts['learner'] = {
      encoder: {
        dimensions: 6,
        parameters: [],
        buffers: [],
        forward: (x) => student.embeddings(x, { training: false }),
      },
      groups: [{ name: 'main', modules: [student], optimizer: options.makeOptimizer }],
      kept: { teacher },
      step([views], feeds) {
        const weight = feeds.scalar('weight', ({ step }) => step);
        const likeness = negativeCosine(student.embeddings(views, mode), detach(other.embeddings(views, mode)));
        return {
          losses: [['main', () => likeness]],
          log: { weight },
          after: (made) => teacher.follow(feeds, () => 0.9, made),
        };
      },
    };
    const views = [
      { count: 1, size: 8, augmentation: contrastiveParts(student, hostImages(images), options).views[0].augmentation },
    ];
    return { learner, views, source: hostImages(images), settings: options, ranks };
  };

/** What steps leave, by name. */
interface Left extends Values {
  readonly values: StepValues;
}

/** Two steps on a device, alone or as one of several; the last of these is asked to stop at the second. */
async function twoSteps(gpu: Gpu, make: Make, ranks?: Communicator): Promise<Left> {
  const state = new State(gpu);
  const parts = make(state, ranks);
  const training = await TrainingStep.create(state, parts);
  const step = (number: number, stop = false) =>
    training.step(indices, { step: number, epoch: number, lr: 0.05, stop }).read();
  const first = await step(1);
  if (ranks) expect(first.stop).toBe(false);
  const values = await step(2, ranks !== undefined && ranks.rank === ranks.size - 1);
  if (ranks) await checkSameWeights(ranks, state, parts, 2);
  const left = { ...(await valuesOf(state, parts)), values };
  training.destroy();
  state.destroy();
  return left;
}

onEveryAdapter((gpu) => {
  const alone = (make: Make) => twoSteps(gpu(), make);
  const together = (size: number, make: Make) => onAll(localRanks(size), (ranks) => twoSteps(gpu(), make, ranks));

  it.each([
    { size: 2, pieces: 3, given: 0 },
    { size: 3, pieces: 2, given: 2 },
    { size: 2, pieces: 1, given: 1 },
  ])('$size processes with pieces of $pieces are one process with such pieces', async ({ size, pieces, given }) => {
    const one = await alone(contrastive(pieces));
    for (const { weights, running, values } of await together(size, contrastive(given))) {
      expect(values.stop).toBe(true);
      expect(values.loss).toBeCloseTo(one.values.loss, 5);
      expectNear(weights, one.weights, 1e-5);
      expectNear(running, one.running, 1e-6);
      // A piece each: the same numbers are added in the same order.
      if (size * pieces === indices.length) expect(weights).toEqual(one.weights);
    }
    // The test can fail: pieces of another size have other statistics.
    const other = await alone(contrastive(6));
    expect(relativeError(other.running.get('bn.running_var')!, one.running.get('bn.running_var')!)).toBeGreaterThan(
      1e-3,
    );
  });

  it('with synchronised batch norm processes are one that has all images at once', async () => {
    const synchronised =
      (make: Make): Make =>
      (state, ranks) => {
        const parts = make(state, ranks);
        return { ...parts, settings: { ...parts.settings, syncBatchNorm: true } };
      };
    const one = await alone(contrastive(6));
    for (const { weights, running, values } of await together(3, synchronised(contrastive(0)))) {
      expect(values.loss).toBeCloseTo(one.values.loss, 5);
      expectNear(weights, one.weights, 2e-5);
      expectNear(running, one.running, 1e-5);
    }
    const [pieces] = await together(3, contrastive(0));
    expect(relativeError(pieces.weights.get('conv.weight')!, one.weights.get('conv.weight')!)).toBeGreaterThan(1e-4);
  });

  it('a loss that is a mean over images: averages are those of the batch, and a teacher follows', async () => {
    const one = await alone(averaged(false));
    for (const { weights, values } of await together(3, averaged(false))) {
      expectNear(weights, one.weights, 1e-5);
      expect(values.loss).toBeCloseTo(one.values.loss, 5);
      expect(values.metrics['weight']).toBeCloseTo(2, 5);
    }
    expect(one.weights.get('teacher/conv.weight')).not.toEqual(one.weights.get('conv.weight'));
  });

  it('running statistics of student and teacher are the same on all processes', async () => {
    const [first, ...others] = await together(2, averaged(true));
    for (const { running, weights } of others) {
      expect(running).toEqual(first.running);
      expect(weights).toEqual(first.weights);
    }
    expect([...first.running.keys()]).toContain('teacher/bn.running_mean');
    expect(first.running.get('bn.running_mean')!.every((value) => value !== 0)).toBe(true);
  });

  it('of a forward pass that overflows on one process the tensor there is named, not what others got of it', async () => {
    const messages = await onAll(localRanks(2), async (ranks) => {
      const state = new State(gpu());
      const parts = contrastive(0)(state, ranks);
      const step = await TrainingStep.create(state, parts);
      const weight = trainedParameters(parts.learner).find(({ tensor: { name } }) => name === 'bn.weight')!.tensor;
      if (ranks.rank === 1) state.write(weight, new Float32Array(weight.size).fill(3e38));
      const counters = { step: 1, epoch: 0, lr: 0.05 };
      const { firstNonFinite } = await step.step(indices, counters).read();
      const error = await divergence(state, { ...parts, step }, indices, counters, 'Lower --lr');
      step.destroy();
      state.destroy();
      return { firstNonFinite, message: error.message };
    });
    const message = expect.stringMatching(/first in relu \[6, 8, 8, 8\], element \d+, on rank 1; /);
    for (const found of messages) expect(found).toEqual({ firstNonFinite: 1, message });
  });

  it('a value that is not finite on one process stops all of them', async () => {
    const poisoned = localRanks(2).map((ranks): Communicator => {
      let sums = 0;
      return {
        ...ranks,
        sum(values) {
          if (ranks.rank === 1 && sums++ === 0) values[7] = Number.NaN; // the gradients of the first step
          return ranks.sum(values);
        },
      };
    });
    const all = await onAll(poisoned, (ranks) => twoSteps(gpu(), contrastive(0), ranks));
    expect(all.map(({ values }) => values.firstNonFinite)).toEqual([1, 1]);
  });

  it('weights that have become different are noticed on all processes', async () => {
    const check = async (ranks: Communicator) => {
      const state = new State(gpu());
      const parts = contrastive(0)(state);
      const [{ tensor }] = trainedParameters(parts.learner);
      await checkSameWeights(ranks, state, parts, 5);
      const [value] = await state.read(tensor);
      if (ranks.rank === 2) state.write(tensor, Float32Array.of(value + 1e-6), 0);
      const told = await checkSameWeights(ranks, state, parts, 6).catch((error: Error) => error.message);
      state.destroy();
      return told;
    };
    for (const told of await onAll(localRanks(3), check))
      expect(told).toMatch(/^step 6: the weights of rank 2 are no longer those of rank 0/);
  });
});
