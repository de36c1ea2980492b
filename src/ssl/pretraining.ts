import type { ImageSource } from '../data/source.ts';
import { Program, type Run } from '../graph/program.ts';
import type { State } from '../graph/state.ts';
import type { Tensor } from '../graph/tensor.ts';
import { flatVariable, type Graph, input, trace, variable } from '../graph/trace.ts';
import { type AugmentationConfig, augment, augmentParameters } from '../ops/augment.ts';
import { flatten } from '../ops/flatten.ts';
import { gradients } from '../ops/gradients.ts';
import { nonFiniteGuard } from '../ops/guard.ts';
import { ntXent } from '../ops/nt_xent.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import type { SimClr } from './simclr.ts';

/** How images become views. */
export interface ViewOptions {
  /** Height and width of a view. */
  readonly imageSize: number;
  readonly augmentation: AugmentationConfig;
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

export interface PretrainingOptions extends ViewOptions {
  /** Pairs in a batch, N. */
  readonly batchSize: number;
  readonly temperature: number;
  /** Seed of the augmentation. */
  readonly seed: number;
  /** Makes the optimiser for the flat variable of all weights. */
  readonly optimizer: (weights: Tensor) => Optimizer;
}

/** ImageNet's mean and deviation of colours, which torchvision's models are trained with. */
export const imagenetColours = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;

/** SimCLR's augmentation at strength 0.5, and what else the source leaves open. */
export const pretrainingDefaults = {
  imageSize: 96,
  batchSize: 256,
  temperature: 0.07,
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

export interface StepCounters {
  /** From 1. */
  readonly step: number;
  /** From 0; other epochs show an image under other augmentations. */
  readonly epoch: number;
  readonly lr: number;
}

/** An odd blur kernel of about a tenth of the side: 9 at 96 pixels. */
export const blurKernel = (imageSize: number): number => Math.max(3, 2 * Math.floor(imageSize / 20) + 1);

/** Records the two views of each image: `indices` u32 [N], `seeds` u32 [4] → [2N, size, size, 4], view i beside view i + N. */
export function twoViews(source: ImageSource, indices: Tensor, seeds: Tensor, options: ViewOptions): Tensor {
  const { height, width } = source.set;
  const { imageSize: size, augmentation, mean, std } = options;
  const parameters = augmentParameters(indices, seeds, { ...augmentation, height, width });
  return augment(source.images(indices), parameters, {
    height,
    width,
    size,
    blurKernel: blurKernel(size),
    mean,
    std,
    antialias: true,
  });
}

/** The value of the `seeds` input of `twoViews`. */
export const viewSeeds = (seed: number, epoch: number): Uint32Array =>
  Uint32Array.of(seed, Math.floor(seed / 2 ** 32), epoch, 0);

/** What a training step is made of: the graph, and the tensors in it that somebody may want to see. */
export interface PretrainingGraph {
  readonly graph: Graph;
  readonly outputs: { readonly loss: Tensor; readonly accuracy: Tensor; readonly firstBad: Tensor };
  readonly optimizer: Optimizer;
}

/** Traces one step from image indices to updated weights. */
export function tracePretraining(model: SimClr, source: ImageSource, options: PretrainingOptions): PretrainingGraph {
  const parameters = model.parameters.map(({ tensor }) => tensor);
  const flat = parameters[0].flat?.parent ?? flatVariable('weights', parameters);
  const optimizer = options.optimizer(flat);
  const firstBad = variable('first_bad_step', [1], undefined, 'u32');
  const { graph, result: outputs } = trace(() => {
    const indices = input('indices', [options.batchSize], 'u32');
    const views = twoViews(source, indices, input('seeds', [4], 'u32'), options);
    const z = model.embeddings(views, { training: true });
    const { loss, accuracy } = ntXent(z, { temperature: options.temperature });
    const flatGradients = flatten(gradients(loss, parameters));
    nonFiniteGuard(flatGradients, loss, input('step', [1], 'u32'), firstBad);
    optimizer.update(flatGradients, firstBad);
    return { loss, accuracy, firstBad };
  });
  return { graph, outputs, optimizer };
}

/** A compiled SimCLR step on one device. */
export class Pretraining {
  private constructor(
    readonly program: Program,
    readonly traced: PretrainingGraph,
    private readonly source: ImageSource,
    private readonly options: PretrainingOptions,
  ) {}

  /** Traces, plans and compiles. `inspect` keeps all intermediates readable, to look for a fault. */
  static async create(
    state: State,
    model: SimClr,
    source: ImageSource,
    options: PretrainingOptions,
    compile: { inspect?: boolean; onPipeline?: (done: number, total: number) => void } = {},
  ): Promise<Pretraining> {
    const traced = tracePretraining(model, source, options);
    const program = await Program.compile(traced.graph, state, traced.outputs, compile);
    return new Pretraining(program, traced, source, options);
  }

  /** The values that a step is run with. */
  inputs(indices: Uint32Array, { step, epoch, lr }: StepCounters) {
    return {
      indices,
      seeds: viewSeeds(this.options.seed, epoch),
      step: Uint32Array.of(step),
      ...this.traced.optimizer.scalars(step, lr),
      ...this.source.inputs(indices),
    };
  }

  /** Runs one step on the images with these indices. Returns at once; `read()` waits for loss, accuracy and firstBad. */
  step(indices: Uint32Array, counters: StepCounters): Run {
    return this.program.run(this.inputs(indices, counters));
  }
}
