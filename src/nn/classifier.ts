import type { Tensor } from '../graph/tensor.ts';
import type { Encoder } from './encoder.ts';
import { type EncoderOptions, encoderOf } from './encoders.ts';
import { Linear } from './layers.ts';
import type { Mode, NamedTensor } from './module.ts';

/** The encoder of a `Classifier`, and how many classes it tells apart. */
export interface ClassifierOptions extends EncoderOptions {
  readonly classes: number;
}

/**
 * A ResNet, with or without layers of a projection head, and torchvision's linear classifier `fc`: images [N, H, W, 4] →
 * features [N, dimensions] → logits [N, classes].
 */
export class Classifier {
  readonly encoder: Encoder;
  readonly fc: Linear;

  constructor(readonly options: ClassifierOptions) {
    this.encoder = encoderOf(options);
    this.fc = new Linear('fc', this.encoder.dimensions, options.classes, options.seed);
  }

  get parameters(): readonly NamedTensor[] {
    return [...this.encoder.parameters, ...this.fc.parameters];
  }

  get buffers(): readonly NamedTensor[] {
    return this.encoder.buffers;
  }

  /** Images [N, H, W, 4] → h [N, dimensions]. */
  features(x: Tensor, mode: Mode): Tensor {
    return this.encoder.forward(x, mode);
  }

  /** Features [N, dimensions] → logits [N, classes]. */
  logits(features: Tensor): Tensor {
    return this.fc.forward(features);
  }
}
