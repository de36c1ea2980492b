/** What a training step is made of, and the plain one: a single program from image indices to updated weights. */
import type { ImageSource } from '../data/source.ts';
import type { Tensor } from '../graph/tensor.ts';
import { flatVariable, type Graph, input, trace, variable } from '../graph/trace.ts';
import type { Mode, Precision } from '../nn/module.ts';
import { flatten } from '../ops/flatten.ts';
import { gradients } from '../ops/gradients.ts';
import { nonFiniteGuard } from '../ops/guard.ts';
import { halfCopy } from '../ops/half_copy.ts';
import { ntXent } from '../ops/nt_xent.ts';
import { LossScaling } from '../optim/loss_scaling.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import type { SimClr, SimClrOptions } from './simclr.ts';
import { imagenetColours, twoViews, type ViewOptions } from './views.ts';

export interface PretrainingOptions extends ViewOptions {
  /** Pairs in a batch, N. */
  readonly batchSize: number;
  /** Pairs that are computed at a time, a divisor of N: see `microBatchStep`. 0 and N: all at once. */
  readonly microBatch: number;
  readonly temperature: number;
  /** f16 halves the encoder's activations and the weights that convolutions read; the loss is then scaled in the gradients. */
  readonly precision: Precision;
  /** Seed of the augmentation. */
  readonly seed: number;
  /** Makes the optimiser for the flat variable of all weights. */
  readonly optimizer: (weights: Tensor) => Optimizer;
}

/** SimCLR's augmentation at strength 0.5, and what else the source leaves open. */
export const pretrainingDefaults = {
  imageSize: 96,
  batchSize: 256,
  microBatch: 0,
  temperature: 0.07,
  precision: 'f32',
  seed: 1,
  ...imagenetColours,
  augmentation: {
    scale: [0.08, 1],
    ratio: [3 / 4, 4 / 3],
    flip: 0.5,
    jitter: 0.8,
    strength: 0.5,
    grayscale: 0.2,
    blur: 0.5,
    sigma: [0.1, 2],
  },
} as const satisfies Omit<PretrainingOptions, 'optimizer'>;

/** What a step needs of a model. */
export interface Trainable extends Pick<SimClr, 'parameters' | 'embeddings'> {
  readonly options: Pick<SimClrOptions, 'features'>;
}

/** One program of a step. A step runs its phases in their order. */
export interface Phase {
  readonly name: string;
  readonly graph: Graph;
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** Pairs whose images a run takes; the phase runs for one piece of the batch after another. 0: it takes none and runs once. */
  readonly pairs: number;
}

/**
 * What a training step is made of. The last phase's outputs are those of the step: loss, accuracy and firstBad, and in f16 the next
 * step's lossScale and the counts of steps, lossScaleCounts.
 */
export interface PretrainingGraph {
  readonly phases: readonly Phase[];
  readonly optimizer: Optimizer;
  /** Set in f16. */
  readonly scaling: LossScaling | undefined;
}

/** The weights of a model in one flat variable, and how a step changes them. */
export class Weights {
  readonly parameters: readonly Tensor[];
  readonly flat: Tensor;
  readonly optimizer: Optimizer;
  /** Set in f16. */
  readonly scaling: LossScaling | undefined;
  /** u32 [1]: the first step whose loss or gradients were not finite, in f16 at any scale; 0 while there was none. */
  readonly firstBad = variable('first_bad_step', [1], undefined, 'u32');

  constructor(model: Trainable, { optimizer, precision }: Pick<PretrainingOptions, 'optimizer' | 'precision'>) {
    this.parameters = model.parameters.map(({ tensor }) => tensor);
    this.flat = this.parameters[0].flat?.parent ?? flatVariable('weights', this.parameters);
    this.optimizer = optimizer(this.flat);
    if (precision === 'f32') return;
    halfCopy(this.flat); // from here on convolutions find it
    this.scaling = new LossScaling();
  }

  /** What d loss / d loss is in the backward pass; undefined where it is 1. */
  get seed(): Tensor | undefined {
    return this.scaling?.scale;
  }

  /** Records the flat gradients of `y`, a loss, or any tensor with its own gradient `dy`. */
  gradientsOf(y: Tensor, dy = this.seed): Tensor {
    return flatten(gradients(y, this.parameters, dy));
  }

  /**
   * Records the update, which is left out from the first step on whose loss or gradients are not finite. In f16 the gradients are
   * scaled, a step that overflows is skipped and the scale halved. Returns what a step tells of itself.
   */
  update(flatGradients: Tensor, loss: Tensor): Record<string, Tensor> {
    const { firstBad, optimizer, scaling } = this;
    const step = input('step', [1], 'u32');
    if (!scaling) {
      nonFiniteGuard(flatGradients, loss, step, firstBad);
      optimizer.update(flatGradients, firstBad);
      return { firstBad };
    }
    const gate = scaling.gate(flatGradients, loss, step, firstBad);
    optimizer.update(flatGradients, firstBad, { gate, copy: halfCopy(this.flat) });
    return { firstBad, lossScale: scaling.scale, lossScaleCounts: scaling.counts };
  }
}

/** Records the way from the inputs `indices` (u32 [pairs]) and `seeds` to the embeddings of their views [2 · pairs, features]. */
export function embedViews(
  model: Trainable,
  source: ImageSource,
  pairs: number,
  options: ViewOptions,
  mode: Mode,
): Tensor {
  const views = twoViews(source, input('indices', [pairs], 'u32'), input('seeds', [4], 'u32'), options);
  return model.embeddings(views, mode);
}

/** Traces a step over the whole batch at once: one phase. */
export function plainStep(model: Trainable, source: ImageSource, options: PretrainingOptions): PretrainingGraph {
  const weights = new Weights(model, options);
  const { batchSize, temperature, precision } = options;
  const { graph, result: outputs } = trace(() => {
    const z = embedViews(model, source, batchSize, options, { training: true, precision });
    const { loss, accuracy } = ntXent(z, { temperature });
    return { loss, accuracy, ...weights.update(weights.gradientsOf(loss), loss) };
  });
  const { optimizer, scaling } = weights;
  return { phases: [{ name: 'step', graph, outputs, pairs: batchSize }], optimizer, scaling };
}
