import { z } from 'zod';
import { UserError } from '../errors.ts';
import type { DeviceTraits } from '../gpu/device.ts';
import type { Tensor } from '../graph/tensor.ts';
import { checked, type Naming, wrongValue } from '../io/checked.ts';
import { architectures, shapeOf, stems } from '../nn/resnet.ts';
import type { AugmentationConfig } from '../ops/augment.ts';
import { precisions } from '../ops/precision.ts';
import { adam } from '../optim/adam.ts';
import { lars } from '../optim/lars.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import { schedules } from '../optim/schedule.ts';
import { sgd } from '../optim/sgd.ts';
import { checkMicroBatch } from '../ssl/micro_batch.ts';
import { type SimClrOptions, simClrDefaults } from '../ssl/simclr.ts';
import { type PretrainingOptions, pretrainingDefaults } from '../ssl/step.ts';
import { imagenetColours } from '../ssl/views.ts';

const { augmentation } = pretrainingDefaults;

const count = (least: number) => z.number().int().min(least);
const share = () => z.number().min(0).max(1);
const positive = () => z.number().gt(0);

/**
 * Every setting of a pre-training run with its default and its explanation: the command line, its help and the check of
 * `config.json` all come from this table. Defaults follow the published experiment where it says something.
 */
export const trainSettings = z.strictObject({
  split: z.enum(['unlabeled', 'train+unlabeled', 'train']).default('unlabeled').describe('images to pre-train on'),
  imageSize: count(16)
    .max(512)
    .default(pretrainingDefaults.imageSize)
    .describe('height and width of a view, in pixels'),
  batchSize: count(2)
    .max(65536)
    .default(pretrainingDefaults.batchSize)
    .describe('pairs per batch (N; the loss compares 2N views)'),
  microBatch: count(0)
    .max(65536)
    .default(pretrainingDefaults.microBatch)
    .describe(
      'pairs per micro-batch (M, a divisor of N), to fit large batches into memory: the loss still compares all 2N views, ' +
        'batch norm uses the statistics of each micro-batch; 0: off',
    ),
  epochs: count(1).default(100).describe('passes over the images'),
  steps: count(0).default(0).describe('stop after this many steps in total; 0: after the last epoch'),
  optimizer: z
    .enum(['adam', 'adamw', 'sgd', 'lars'])
    .default('adam')
    .describe('optimizer: adam (coupled L2 decay), adamw (decoupled decay), sgd (Nesterov), lars'),
  lr: positive().default(1e-3).describe('learning rate'),
  weightDecay: z.number().min(0).default(1e-4).describe('weight decay'),
  momentum: z.number().gt(0).lt(1).default(0.9).describe('momentum (sgd and lars)'),
  schedule: z.enum(['constant', 'cosine']).default('constant').describe('learning-rate schedule after warm-up'),
  warmupEpochs: z.number().min(0).default(0).describe('epochs of linear learning-rate warm-up'),
  temperature: positive().default(pretrainingDefaults.temperature).describe('temperature τ of NT-Xent'),
  precision: z
    .enum(precisions)
    .default(pretrainingDefaults.precision)
    .describe('f16: half-precision activations and convolution weights, with loss scaling; needs shader-f16'),
  architecture: z.enum(architectures).default(simClrDefaults.architecture).describe('encoder network'),
  stem: z
    .enum(stems)
    .default(simClrDefaults.stem)
    .describe('first layers: imagenet (7×7 stride 2, max-pool) or cifar (3×3 stride 1)'),
  width: z
    .number()
    .min(0.25)
    .max(4)
    .multipleOf(0.25)
    .default(1)
    .describe('multiplies the channels of every encoder layer; 0.25 takes about a sixteenth of the arithmetic'),
  features: count(1).max(8192).default(simClrDefaults.features).describe('size of the embedding z'),
  headDepth: count(1)
    .max(4)
    .default(simClrDefaults.headDepth)
    .describe('number of linear layers in the projection head'),
  headWidth: count(1).max(8192).default(simClrDefaults.headWidth).describe('width of its hidden layers'),
  headBatchNorm: z.boolean().default(simClrDefaults.headBatchNorm).describe('batch norm after its hidden layers'),
  cropMin: positive().max(1).default(augmentation.scale[0]).describe('smallest crop, as a fraction of the image area'),
  cropMax: positive().max(1).default(augmentation.scale[1]).describe('largest crop, as a fraction of the image area'),
  flip: share().default(augmentation.flip).describe('probability of a horizontal flip'),
  jitter: share().default(augmentation.jitter).describe('probability of colour jitter'),
  jitterStrength: z
    .number()
    .min(0)
    .max(1.25)
    .default(augmentation.strength)
    .describe('jitter strength s: brightness, contrast, saturation 0.8 s, hue 0.2 s'),
  grayscale: share().default(augmentation.grayscale).describe('probability of greyscale'),
  blur: share().default(augmentation.blur).describe('probability of Gaussian blur'),
  normalize: z
    .enum(['imagenet', 'half', 'none'])
    .default('imagenet')
    .describe('mean and standard deviation for normalisation: ImageNet’s, 0.5 and 0.5, or 0 and 1'),
  seed: count(0).default(pretrainingDefaults.seed).describe('random seed of weights, order and augmentation'),
  images: z.enum(['gpu', 'host']).default('gpu').describe('where decoded images are stored; host uploads each batch'),
  knnEvery: count(0)
    .default(5)
    .describe('epochs between kNN evaluations of the features, if there are labels; 0: never'),
  knnNeighbors: count(1).default(20).describe('number of neighbours in the kNN evaluation'),
  knnImages: count(1).default(5000).describe('maximum number of train and of test images in the kNN evaluation'),
  drawEvery: count(0).default(10).describe('epochs between similarity-matrix figures; 0: at the start and end only'),
  checkpointEvery: count(1).default(1).describe('epochs between checkpoints'),
  checkpointSteps: count(0).default(0).describe('steps between additional checkpoints within an epoch; 0: none'),
  keep: count(1).default(3).describe('number of checkpoints to keep'),
});

export type TrainSettings = z.infer<typeof trainSettings>;
export type SettingName = keyof TrainSettings;

export const settingNames = Object.keys(trainSettings.shape) as SettingName[];
/** `batchSize` → `--batch-size`. */
export const flagOf = (name: string): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/**
 * Checks settings against a table, with defaults for those that are not there.
 *
 * @param source the file that they are from; undefined for flags
 * @param remedy what can be done about that file
 * @throws UserError one line that names every wrong setting; exit code 2, and 1 for a file
 */
export function parseTable<T extends z.ZodType<{ cropMin: number; cropMax: number }>>(
  table: T,
  given: unknown,
  source?: string,
  name: Naming = flagOf,
  remedy?: string,
): z.infer<T> {
  const options = { source, name, exitCode: source === undefined ? 2 : 1, ...(remedy && { remedy }) } as const;
  const settings = checked(table, given, options);
  if (settings.cropMin > settings.cropMax) {
    const both = `${name('cropMin')} (${settings.cropMin}) must not be above ${name('cropMax')} (${settings.cropMax})`;
    throw wrongValue(both, options);
  }
  return settings;
}

/** Checks the settings of a pre-training run; see `parseTable`. */
export function parseSettings(given: unknown, source?: string, name: Naming = flagOf, remedy?: string): TrainSettings {
  const settings = parseTable(trainSettings, given, source, name, remedy);
  try {
    checkMicroBatch(settings, name);
  } catch (error) {
    if (source === undefined || !(error instanceof UserError)) throw error;
    throw wrongValue(error.message, { source, ...(remedy && { remedy }) });
  }
  return settings;
}

/** Sizes with which a run ends within minutes on a software rasteriser on two cores. */
export const softwareSizes = {
  imageSize: 32,
  batchSize: 32,
  steps: 500,
  knnEvery: 1,
  knnImages: 500,
} as const satisfies Partial<TrainSettings>;

/** The sizes that a software adapter needs in place of those that were not given. Who gives epochs gets them all. */
export function defaultsFor(
  given: Partial<TrainSettings>,
  { software }: Pick<DeviceTraits, 'software'>,
): Partial<TrainSettings> {
  if (!software) return given;
  return { ...softwareSizes, ...(given.epochs !== undefined && { steps: 0 }), ...given };
}

const colours = {
  imagenet: imagenetColours,
  half: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  none: { mean: [0, 0, 0], std: [1, 1, 1] },
} as const;

/** Mean and deviation that colours are normalised with. */
export const normalization = ({ normalize }: Pick<TrainSettings, 'normalize'>) => colours[normalize];

export const modelOptions = (settings: TrainSettings): SimClrOptions => {
  const { features, headDepth, headWidth, headBatchNorm, seed } = settings;
  return { ...shapeOf(settings), features, headDepth, headWidth, headBatchNorm, seed };
};

export function makeOptimizer(
  settings: Pick<TrainSettings, 'optimizer' | 'weightDecay' | 'momentum'>,
  weights: Tensor,
): Optimizer {
  const { optimizer, weightDecay, momentum } = settings;
  switch (optimizer) {
    case 'adam':
      return adam(weights, { weightDecay });
    case 'adamw':
      return adam(weights, { weightDecay, decoupled: true });
    case 'sgd':
      return sgd(weights, { weightDecay, momentum, nesterov: true });
    case 'lars':
      return lars(weights, { weightDecay, momentum });
    default:
      return optimizer satisfies never;
  }
}

/** The settings that say how a view is made of an image. */
export const augmentationSettings = [
  'cropMin',
  'cropMax',
  'flip',
  'jitter',
  'jitterStrength',
  'grayscale',
  'blur',
] as const satisfies SettingName[];

export function augmentationConfig(
  settings: Pick<TrainSettings, (typeof augmentationSettings)[number]>,
): AugmentationConfig {
  const { cropMin, cropMax, flip, jitter, jitterStrength: strength, grayscale, blur } = settings;
  return { ...augmentation, scale: [cropMin, cropMax], flip, jitter, strength, grayscale, blur };
}

export function pretrainingOptions(settings: TrainSettings): PretrainingOptions {
  const { imageSize, batchSize, microBatch, temperature, precision, seed } = settings;
  return {
    imageSize,
    batchSize,
    microBatch,
    temperature,
    precision,
    seed,
    ...normalization(settings),
    augmentation: augmentationConfig(settings),
    optimizer: (weights) => makeOptimizer(settings, weights),
  };
}

/** Steps of a run: its epochs, or fewer where `--steps` ends it before. */
export function totalSteps({ epochs, steps }: Pick<TrainSettings, 'epochs' | 'steps'>, perEpoch: number): number {
  const most = perEpoch * epochs;
  return steps > 0 ? Math.min(steps, most) : most;
}

/** The learning rate of a step (from 1) of a run of `total` steps. */
export function learningRate(
  settings: Pick<TrainSettings, 'lr' | 'schedule' | 'warmupEpochs'>,
  step: number,
  total: number,
  perEpoch: number,
): number {
  const warmup = Math.min(total, Math.round(settings.warmupEpochs * perEpoch));
  return schedules[settings.schedule](step, { base: settings.lr, total, warmup });
}
