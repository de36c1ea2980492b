import type { ImageSource } from '../data/source.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type AugmentationConfig, augment, augmentParameters } from '../ops/augment.ts';

/** How images become views. */
export interface ViewOptions {
  /** Height and width of a view. */
  readonly imageSize: number;
  readonly augmentation: AugmentationConfig;
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** ImageNet's mean and deviation of colours, which torchvision's models are trained with. */
export const imagenetColours = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;

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
