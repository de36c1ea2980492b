/** Multi-crop (Caron et al., 2020): beside the global views of an image, small ones of small parts of it, which cost little. */
import { UserError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Naming } from '../io/checked.ts';
import type { Encoder } from '../nn/encoder.ts';
import { isVit, patchOf } from '../nn/encoder_shape.ts';
import type { Mode } from '../nn/module.ts';
import { concat } from '../ops/strided_copy.ts';
import type { ViewGroup } from './method.ts';
import { augmentationConfig, count, positive, type SharedSettings } from './settings.ts';

/** Own settings of a method with local crops, which have so many of an image's area by default. */
export const multiCropOptions = (smallest: number, largest: number) => ({
  localCrops: count(0).max(32).default(6).describe('small crops of each image beside its two global views; 0: none'),
  localSize: count(0)
    .max(512)
    .default(0)
    .describe(
      'height and width of a local crop, in pixels; 0: 9/16 of --image-size, 18 of 32, but whole patches of a vision transformer, 16 of 32',
    ),
  localCropMin: positive().max(1).default(smallest).describe('smallest local crop, as a fraction of the image area'),
  localCropMax: positive().max(1).default(largest).describe('largest local crop, as a fraction of the image area'),
});

export interface MultiCropSettings extends SharedSettings {
  readonly localCrops: number;
  readonly localSize: number;
  readonly localCropMin: number;
  readonly localCropMax: number;
}

/** UserError: the smallest local crop is larger than the largest. */
export function checkLocalCrops({ localCropMin, localCropMax }: MultiCropSettings, name: Naming): void {
  if (localCropMin <= localCropMax) return;
  const both = `${name('localCropMin')} (${localCropMin}) must not be above ${name('localCropMax')} (${localCropMax})`;
  throw new UserError(both, 2);
}

/** The group of local crops; none where there are none. `changes`: what is drawn of them in another way than of global views. */
export function localCrops(
  settings: MultiCropSettings,
  changes: Partial<NonNullable<ViewGroup['augmentation']>> = {},
): readonly ViewGroup[] {
  const { localCrops: count, localSize, localCropMin, localCropMax } = settings;
  if (count === 0) return [];
  const scale = [localCropMin, localCropMax] as const;
  const size = localSize || defaultSize(settings);
  return [{ count, size, augmentation: { ...augmentationConfig(settings), ...changes, scale } }];
}

/** 9/16 of an image's side; of whole patches as many as fit into that. */
function defaultSize({ architecture, imageSize, patch }: SharedSettings): number {
  const size = Math.round((imageSize * 9) / 16);
  if (!isVit(architecture)) return size;
  const side = patch || patchOf(imageSize);
  return Math.max(side, size - (size % side));
}

/** Features of groups of crops, [V · N, D] one group behind the other: crops of one size in one pass, with statistics of their own. */
export function cropFeatures(f: Encoder, groups: readonly Tensor[], mode: Mode): Tensor {
  const features = groups.map((crops) => f.forward(crops, mode));
  return features.length === 1 ? features[0] : concat(features, 0);
}
