/** BYOL's two kinds of views (Grill et al., 2020, table 6), which Barlow Twins and others took over: the second is blurred seldom and solarised instead. */
import type { ViewGroup } from './method.ts';
import { augmentationConfig, share } from './settings.ts';

export const secondViewOptions = {
  secondBlur: share().default(0.1).describe('probability of Gaussian blur in the second view'),
  secondSolarize: share().default(0.2).describe('probability of solarisation in the second view'),
};

type Settings = Parameters<typeof augmentationConfig>[0] & {
  readonly imageSize: number;
  readonly secondBlur: number;
  readonly secondSolarize: number;
};

/** Two groups of one view of each image: one drawn as the shared settings say, the other with a blur and a solarisation of its own. */
export function twoKindsOfViews(settings: Settings): readonly ViewGroup[] {
  const { imageSize: size, secondBlur: blur, secondSolarize: solarize } = settings;
  const augmentation = augmentationConfig(settings);
  return [
    { count: 1, size, augmentation },
    { count: 1, size, augmentation: { ...augmentation, blur, solarize } },
  ];
}
