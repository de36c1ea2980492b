/** SimCLR's step around any model, with an optimiser of one's own: what tests of steps vary. */
import type { ImageSource } from '../../src/data/source.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { ntXent } from '../../src/losses/nt_xent.ts';
import type { Sequential } from '../../src/nn/layers.ts';
import type { Mode, NamedTensor } from '../../src/nn/module.ts';
import { projectionHead } from '../../src/nn/projection_head.ts';
import { ResNet, type ResNetOptions } from '../../src/nn/resnet.ts';
import { columnStd } from '../../src/ops/column_std.ts';
import type { Optimizer } from '../../src/optim/optimizer.ts';
import { accuracy, embeddingStd } from '../../src/ssl/metrics.ts';
import { augmentationConfig, type SharedSettings, sharedSettings } from '../../src/ssl/settings.ts';
import { splitStep } from '../../src/ssl/split_step.ts';
import { type StepParts, trainingMode } from '../../src/ssl/step.ts';

export interface SimClrOptions extends ResNetOptions {
  readonly embeddingDim: number;
  readonly headDepth: number;
  readonly headWidth: number;
  readonly headBatchNorm: boolean;
}

const defaults: SimClrOptions = {
  ...{ architecture: 'resnet18', stem: 'imagenet', width: 1, seed: 1 },
  ...{ embeddingDim: 128, headDepth: 2, headWidth: 512, headBatchNorm: false },
};

/** Encoder and projection head as the method has them, outside of a run. */
export class SimClr {
  readonly encoder: ResNet;
  readonly head: Sequential;

  constructor(given: Partial<SimClrOptions> = {}) {
    const options = { ...defaults, ...given };
    const { embeddingDim: outputs, headDepth: depth, headWidth: width, headBatchNorm: batchNorm, seed } = options;
    this.encoder = new ResNet(options);
    this.head = projectionHead({ depth, width, batchNorm, inputs: this.encoder.dimensions, outputs, seed });
  }

  get parameters(): readonly NamedTensor[] {
    return [...this.encoder.parameters, ...this.head.parameters];
  }

  get buffers(): readonly NamedTensor[] {
    return [...this.encoder.buffers, ...this.head.buffers];
  }

  embeddings(x: Tensor, mode: Mode): Tensor {
    return this.head.forward(this.encoder.forward(x, mode), mode);
  }
}

/** What a step needs of a model. */
export interface Trainable {
  readonly parameters: readonly NamedTensor[];
  readonly buffers?: readonly NamedTensor[];
  embeddings(x: Tensor, mode: Mode): Tensor;
}

export interface ContrastiveOptions extends SharedSettings {
  readonly temperature: number;
  /** In place of the settings' optimiser. */
  readonly makeOptimizer?: (weights: Tensor) => Optimizer;
}

export const contrastiveDefaults: ContrastiveOptions = { ...sharedSettings.parse({}), temperature: 0.07 };

/** A step as `simclr` has it, on two views of each image. */
export function contrastiveParts(model: Trainable, source: ImageSource, options: ContrastiveOptions): StepParts {
  const { temperature, imageSize: size, makeOptimizer } = options;
  const { parameters, buffers = [] } = model;
  const learner = {
    encoder: { dimensions: 0, parameters: [], buffers: [], forward: (x: Tensor) => x },
    groups: [{ name: 'main', modules: [{ parameters, buffers }], ...(makeOptimizer && { optimizer: makeOptimizer }) }],
    ...splitStep(
      {
        embed: ([views], _feeds, mode) => model.embeddings(views, mode),
        compare(z) {
          const { loss, accuracy, unit } = ntXent(z, { temperature });
          return { loss, log: { accuracy, embeddingStd: columnStd(unit) } };
        },
      },
      trainingMode(options),
    ),
    metrics: { accuracy, embeddingStd: embeddingStd(128) },
  };
  return { learner, views: [{ count: 2, size, augmentation: augmentationConfig(options) }], source, settings: options };
}
