/** The settings of a run that has to show something within minutes, in place of the published experiment's. */
import type { DeviceTraits } from '../gpu/device.ts';
import type { Method } from '../ssl/method.ts';
import { presetOf } from '../ssl/settings.ts';
import {
  architectureDefaults,
  flagOf,
  type GivenSettings,
  methodOf,
  type TrainSettings,
  usesSetting,
  wordsOf,
} from './settings.ts';

/** Where a run takes place, as far as its defaults depend on it. */
export interface Circumstances extends Pick<DeviceTraits, 'software'> {
  /** The images are the built-in sample set. */
  readonly sample: boolean;
}

/**
 * Settings that learn most in a hundred or two hundred steps of SimCLR on a software adapter, of those that were tried
 * (docs/results/2026-11-28-sample-recipe.md).
 */
export const shortRecipe = {
  imageSize: 32,
  batchSize: 32,
  schedule: 'cosine',
  warmupEpochs: 0.08,
  knnEvery: 1,
  knnImages: 500,
} as const satisfies Partial<TrainSettings>;

/** Views of the sample set's pictures, whose classes have colours that SimCLR's augmentation would hide. */
export const sampleAugmentation = {
  cropMin: 0.3,
  jitterStrength: 0.25,
  grayscale: 0,
  blur: 0,
} as const satisfies Partial<TrainSettings>;

/** Smaller sizes for devices on which fewer than `enoughSteps` of the recipe's fit into the time that there is. */
export const smallerSizes: readonly Partial<TrainSettings>[] = [{ batchSize: 16, knnImages: 250 }];
export const enoughSteps = 80;

/** Minutes that a run takes where neither they, nor its steps or epochs, are given, and the recipe is used. */
export const shortMinutes = 3;

/** Whether the recipe, not the published experiment, gives the defaults. */
export const isShort = ({ software, sample }: Circumstances): boolean => software || sample;

/** Defaults of a run of minutes: the recipe's, of what the method has a use for, and its own. */
const shortDefaults = (method: Method): GivenSettings => ({
  ...Object.fromEntries(Object.entries(shortRecipe).filter(([name]) => usesSetting(method, name))),
  ...method.short,
});

/**
 * What was given, over the defaults that the circumstances ask for, the method's own last and of these those of the architecture, and over
 * those of a preset.
 */
export function withRecipe(given: GivenSettings, where: Circumstances): GivenSettings {
  const method = methodOf(given);
  return {
    ...architectureDefaults(method, given, 'recipe'),
    ...(isShort(where) && { ...shortDefaults(method), ...architectureDefaults(method, given, 'short') }),
    ...(where.sample && { ...sampleAugmentation, ...method.sample }),
    ...presetOf(given),
    ...given,
  };
}

/** Whether time decides how many steps a run takes: neither they nor its epochs are given. */
export const isSized = ({ steps, epochs }: Partial<TrainSettings>, where: Circumstances): boolean =>
  isShort(where) && steps === undefined && epochs === undefined;

const asFlags = (settings: object): string =>
  Object.entries(settings)
    .flatMap(([name, value]) => wordsOf(flagOf(name), value))
    .join(' ');

/** What help says behind the settings of a method: which other defaults there are, and when. */
export function otherDefaults(method: Method): string {
  const { onTransformer } = method;
  const lines = [
    `Without a GPU, or on the sample set, the defaults are those of a run of minutes: ${asFlags(shortDefaults(method))}.`,
    onTransformer && `With a vision transformer: ${asFlags(onTransformer.recipe)}.`,
    onTransformer?.short && `With a vision transformer in a run of minutes: ${asFlags(onTransformer.short)}.`,
  ];
  return lines.filter(Boolean).join('\n');
}
