import type { Examples, Preparation } from '../analysis/classifier.ts';
import type { ImageSource } from '../data/source.ts';
import { Program, type Run } from '../graph/program.ts';
import type { State } from '../graph/state.ts';
import type { Data, Tensor } from '../graph/tensor.ts';
import { type Graph, input, trace } from '../graph/trace.ts';
import type { Classifier } from '../nn/classifier.ts';
import { type AugmentationConfig, augment, augmentParameters, cropImages, decodeImages } from '../ops/augment.ts';
import { crossEntropy } from '../ops/cross_entropy.ts';
import type { LossScaling } from '../optim/loss_scaling.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import { copyAsHalf, Weights, type WeightsOptions } from '../optim/weights.ts';
import type { CompileOptions, StepCounters } from '../ssl/pretraining.ts';
import { blurKernel } from '../ssl/views.ts';
import type { Trained } from './training_file.ts';

/** From scratch; a pre-trained encoder as it is under a new linear layer; a pre-trained encoder trained on. */
export const supervisedModes = ['baseline', 'frozen', 'transfer'] as const;
export type SupervisedMode = (typeof supervisedModes)[number];

/** What training shows of an image: all of it; a random crop, perhaps flipped; a view as in pre-training. */
export const supervisedAugments = ['none', 'crop-flip', 'simclr'] as const;
export type SupervisedAugment = (typeof supervisedAugments)[number];

export interface SupervisedStepOptions extends Preparation, WeightsOptions {
  /** Images in a batch, N. */
  readonly batchSize: number;
  /** Seed of the augmentation. */
  readonly seed: number;
  readonly augment: SupervisedAugment;
  readonly augmentation: AugmentationConfig;
  /** Statistics in the batch norms of a frozen encoder. */
  readonly frozenBn: 'eval' | 'batch';
}

/** Images as training shows them; unlike evaluation's, they depend on the epoch. */
export interface TrainingExamples extends Pick<Examples, 'count' | 'features'> {
  inputs(indices: Uint32Array, epoch: number): Readonly<Record<string, Data>>;
}

/** Keeps the augmentation apart from that of pre-training, whose stream is 0. */
const supervisedStream = 1;

/** Whether the features of an image are the same in every step of a training. */
export const hasFixedFeatures = (
  mode: SupervisedMode,
  { supervisedAugment, frozenBn }: { supervisedAugment: SupervisedAugment; frozenBn: 'eval' | 'batch' },
): boolean => mode === 'frozen' && supervisedAugment === 'none' && frozenBn === 'eval';

/**
 * Training images through the encoder, in f16 where that is the precision. Batch norm takes the batch's statistics, but in a frozen
 * encoder with `frozenBn: 'eval'`.
 */
export function trainingImages(
  source: ImageSource,
  mode: SupervisedMode,
  options: SupervisedStepOptions,
): TrainingExamples {
  const training = mode !== 'frozen' || options.frozenBn === 'batch';
  const { seed, precision } = options;
  return {
    count: source.set.count,
    features: (classifier, indices) => classifier.features(oneView(source, indices, options), { training, precision }),
    inputs: (indices, epoch) => ({
      view_seeds: Uint32Array.of(seed, Math.floor(seed / 2 ** 32), epoch, supervisedStream),
      ...source.inputs(indices),
    }),
  };
}

/** One view of each image: `indices` u32 [N] → [N, size, size, 4]. */
function oneView(source: ImageSource, indices: Tensor, options: SupervisedStepOptions): Tensor {
  const { height, width } = source.set;
  const { imageSize: size, mean, std, augmentation } = options;
  const images = source.images(indices);
  const resample = { height, width, size, mean, std };
  if (options.augment === 'none') return decodeImages(images, resample);
  const seeds = input('view_seeds', [4], 'u32');
  const parameters = augmentParameters(indices, seeds, { ...augmentation, height, width, views: 1 });
  return options.augment === 'crop-flip'
    ? cropImages(images, parameters, resample)
    : augment(images, parameters, { ...resample, blurKernel: blurKernel(size), antialias: true });
}

/** What a training changes: all of the classifier, or its last layer (and the running statistics where batch norm is the batch's). */
export function trainedPart(
  { parameters, buffers, fc }: Classifier,
  mode: SupervisedMode,
  { frozenBn }: Pick<SupervisedStepOptions, 'frozenBn'>,
): Trained {
  if (mode !== 'frozen') return { parameters, buffers };
  return { parameters: fc.parameters, buffers: frozenBn === 'batch' ? buffers : [] };
}

export interface SupervisedGraph {
  readonly graph: Graph;
  /** Loss, accuracy, and what `Weights.update` tells. */
  readonly outputs: Readonly<Record<string, Tensor>>;
  readonly optimizer: Optimizer;
  /** Set in f16, but for a frozen encoder. */
  readonly scaling: LossScaling | undefined;
}

/**
 * Traces one step from indices and labels to updated weights: softmax cross-entropy, its gradients, the optimiser. The last layer is
 * f32 in any precision, so the gradients of a head on a frozen encoder are not scaled.
 */
export function traceSupervised(
  classifier: Classifier,
  mode: SupervisedMode,
  examples: TrainingExamples,
  options: SupervisedStepOptions,
): SupervisedGraph {
  const frozen = mode === 'frozen';
  if (frozen && options.precision === 'f16') copyAsHalf('frozen encoder', classifier.encoder.parameters);
  const weights = new Weights(trainedPart(classifier, mode, options).parameters, {
    ...options,
    precision: frozen ? 'f32' : options.precision,
  });
  const { graph, result: outputs } = trace(() => {
    const features = examples.features(classifier, input('indices', [options.batchSize], 'u32'));
    const logits = classifier.logits(features);
    const { loss, accuracy } = crossEntropy(logits, input('labels', [options.batchSize], 'u32'));
    return { loss, accuracy, ...weights.update(weights.gradientsOf(loss), loss) };
  });
  const { optimizer, scaling } = weights;
  return { graph, outputs, optimizer, scaling };
}

/** A compiled step of supervised training on one device. */
export class SupervisedStep {
  private constructor(
    readonly program: Program,
    readonly traced: SupervisedGraph,
    private readonly examples: TrainingExamples,
  ) {}

  /** Plans and compiles a step that was traced. */
  static async compile(
    state: State,
    traced: SupervisedGraph,
    examples: TrainingExamples,
    compile: CompileOptions = {},
  ): Promise<SupervisedStep> {
    const program = await Program.compile(traced.graph, state, traced.outputs, compile);
    return new SupervisedStep(program, traced, examples);
  }

  /** Runs one step on the examples with these indices. Returns at once; `read()` waits for the outputs: see `SupervisedGraph`. */
  run(indices: Uint32Array, labels: Uint32Array, { step, epoch, lr }: StepCounters): Run {
    return this.program.run({
      indices,
      labels,
      step: Uint32Array.of(step),
      ...this.traced.optimizer.scalars(step, lr),
      ...this.examples.inputs(indices, epoch),
    });
  }
}
