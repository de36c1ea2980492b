/** What a training step is made of, and the plain one: a single program from image indices to updated weights. */
import type { ImageSource } from '../data/source.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Graph, input, trace } from '../graph/trace.ts';
import type { Mode } from '../nn/module.ts';
import { columnStd } from '../ops/column_std.ts';
import { ntXent } from '../ops/nt_xent.ts';
import type { LossScaling } from '../optim/loss_scaling.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import { Weights, type WeightsOptions } from '../optim/weights.ts';
import type { SimClr, SimClrOptions } from './simclr.ts';
import { imagenetColours, twoViews, type ViewOptions } from './views.ts';

export interface PretrainingOptions extends ViewOptions, WeightsOptions {
  /** Pairs in a batch, N. */
  readonly batchSize: number;
  /** Pairs that are computed at a time, a divisor of N: see `microBatchStep`. 0 and N: all at once. */
  readonly microBatch: number;
  readonly temperature: number;
  /** Seed of the augmentation. */
  readonly seed: number;
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
 * What a training step is made of. The last phase's outputs are those of the step: loss, accuracy, embeddingStd (the mean standard
 * deviation of the normalised embeddings' dimensions) and firstBad, and in f16 the next step's lossScale and the counts of steps,
 * lossScaleCounts.
 */
export interface PretrainingGraph {
  /** Size of the embedding z. */
  readonly features: number;
  readonly phases: readonly Phase[];
  readonly optimizer: Optimizer;
  /** Set in f16. */
  readonly scaling: LossScaling | undefined;
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
  const weights = new Weights(model.parameters, options);
  const { batchSize, temperature, precision } = options;
  const { graph, result: outputs } = trace(() => {
    const z = embedViews(model, source, batchSize, options, { training: true, precision });
    const { loss, accuracy, unit } = ntXent(z, { temperature });
    return { loss, accuracy, embeddingStd: columnStd(unit), ...weights.update(weights.gradientsOf(loss), loss) };
  });
  const { optimizer, scaling } = weights;
  const { features } = model.options;
  return { features, phases: [{ name: 'step', graph, outputs, pairs: batchSize }], optimizer, scaling };
}
