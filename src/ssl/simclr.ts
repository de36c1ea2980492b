import type { Tensor } from '../graph/tensor.ts';
import type { Sequential } from '../nn/layers.ts';
import type { Entry, Mode } from '../nn/module.ts';
import { projectionHead } from '../nn/projection_head.ts';
import { ResNet, type ResNetOptions } from '../nn/resnet.ts';

export interface SimClrOptions extends ResNetOptions {
  /** Size of the embedding z. */
  readonly features: number;
  readonly headDepth: number;
  readonly headWidth: number;
  readonly headBatchNorm: boolean;
}

/** The options of the published experiment; depth and width of the head are not given there. */
export const simClrDefaults: SimClrOptions = {
  architecture: 'resnet18',
  stem: 'imagenet',
  width: 1,
  seed: 1,
  features: 128,
  headDepth: 2,
  headWidth: 512,
  headBatchNorm: false,
};

/** An encoder f and a projection head g: h = f(x) is what is kept, z = g(h) what the loss sees (Chen et al., 2020). */
export class SimClr {
  readonly options: SimClrOptions;
  readonly encoder: ResNet;
  readonly head: Sequential;

  constructor(options: Partial<SimClrOptions> = {}) {
    this.options = { ...simClrDefaults, ...options };
    const { features, headDepth, headWidth, headBatchNorm, seed } = this.options;
    this.encoder = new ResNet(this.options);
    this.head = projectionHead({
      depth: headDepth,
      width: headWidth,
      batchNorm: headBatchNorm,
      outputs: features,
      inputs: this.encoder.dimensions,
      seed,
    });
  }

  get parameters(): readonly Entry[] {
    return [...this.encoder.parameters, ...this.head.parameters];
  }

  get buffers(): readonly Entry[] {
    return [...this.encoder.buffers, ...this.head.buffers];
  }

  /** Images [N, H, W, 4] → h [N, dimensions]. */
  features(x: Tensor, mode: Mode): Tensor {
    return this.encoder.forward(x, mode);
  }

  /** Images [N, H, W, 4] → z [N, features], not normalised. */
  embeddings(x: Tensor, mode: Mode): Tensor {
    return this.head.forward(this.features(x, mode), mode);
  }
}
