import { z } from 'zod';
import { checked, type Naming } from '../data/checked.ts';
import { UserError } from '../errors.ts';
import type { DeviceTraits } from '../gpu/device.ts';
import type { Tensor } from '../graph/tensor.ts';
import { resnetBlocks, stems } from '../nn/resnet.ts';
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
    .describe('pairs in a batch (N; the loss compares 2N views)'),
  microBatch: count(0)
    .max(65536)
    .default(pretrainingDefaults.microBatch)
    .describe(
      'pairs computed at a time (M, a divisor of N), for large batches in little memory: the loss is still that of all 2N views, ' +
        'batch norm takes the statistics of each piece; 0: the whole batch at once',
    ),
  epochs: count(1).default(100).describe('passes over the images'),
  steps: count(0).default(0).describe('stop after this many steps in all; 0: only after the last epoch'),
  optimizer: z
    .enum(['adam', 'adamw', 'sgd', 'lars'])
    .default('adam')
    .describe('adam has coupled L2 decay, adamw decoupled; sgd is Nesterov’s'),
  lr: positive().default(1e-3).describe('learning rate'),
  weightDecay: z.number().min(0).default(1e-4).describe('weight decay'),
  momentum: z.number().gt(0).lt(1).default(0.9).describe('momentum of sgd and lars'),
  schedule: z.enum(['constant', 'cosine']).default('constant').describe('learning rate over the steps, after warm-up'),
  warmupEpochs: z.number().min(0).default(0).describe('epochs in which the learning rate rises linearly'),
  temperature: positive().default(pretrainingDefaults.temperature).describe('temperature τ of NT-Xent'),
  precision: z
    .enum(precisions)
    .default(pretrainingDefaults.precision)
    .describe(
      'f16: encoders are trained with activations and convolution weights in half the bytes, loss scaled; needs shader-f16',
    ),
  architecture: z
    .enum(Object.keys(resnetBlocks) as [keyof typeof resnetBlocks])
    .default(simClrDefaults.architecture)
    .describe('encoder'),
  stem: z.enum(stems).default(simClrDefaults.stem).describe('imagenet: 7×7 stride 2 and max-pool; cifar: 3×3 stride 1'),
  features: count(1).max(8192).default(simClrDefaults.features).describe('size of the embedding z'),
  headDepth: count(1).max(4).default(simClrDefaults.headDepth).describe('linear layers of the projection head'),
  headWidth: count(1).max(8192).default(simClrDefaults.headWidth).describe('units of its hidden layers'),
  headBatchNorm: z.boolean().default(simClrDefaults.headBatchNorm).describe('batch norm after its hidden layers'),
  cropMin: positive().max(1).default(augmentation.scale[0]).describe('smallest share of the area that a crop takes'),
  cropMax: positive().max(1).default(augmentation.scale[1]).describe('largest share'),
  flip: share().default(augmentation.flip).describe('probability of a horizontal flip'),
  jitter: share().default(augmentation.jitter).describe('probability of colour jitter'),
  jitterStrength: z
    .number()
    .min(0)
    .max(1.25)
    .default(augmentation.strength)
    .describe('its strength s: brightness, contrast, saturation 0.8 s, hue 0.2 s'),
  grayscale: share().default(augmentation.grayscale).describe('probability of greyscale'),
  blur: share().default(augmentation.blur).describe('probability of Gaussian blur'),
  normalize: z
    .enum(['imagenet', 'half', 'none'])
    .default('imagenet')
    .describe('mean and deviation of colours: ImageNet’s, 0.5 and 0.5, or 0 and 1'),
  seed: count(0).default(pretrainingDefaults.seed).describe('seed of weights, order and augmentation'),
  images: z.enum(['gpu', 'host']).default('gpu').describe('where decoded images are kept; host sends each batch'),
  knnEvery: count(0).default(5).describe('epochs between kNN probes of the features, where labels exist; 0: none'),
  knnNeighbors: count(1).default(20).describe('neighbours that vote in the probe'),
  knnImages: count(1).default(5000).describe('at most this many train and test images in the probe'),
  drawEvery: count(0).default(10).describe('epochs between drawings of the similarity matrix; 0: start and end only'),
  checkpointEvery: count(1).default(1).describe('epochs between checkpoints'),
  checkpointSteps: count(0).default(0).describe('steps between further checkpoints inside an epoch; 0: none'),
  keep: count(1).default(3).describe('checkpoints that are kept'),
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
 * @throws UserError one line that names every wrong setting; exit code 2
 */
export function parseTable<T extends z.ZodType<{ cropMin: number; cropMax: number }>>(
  table: T,
  given: unknown,
  source?: string,
  name: Naming = flagOf,
): z.infer<T> {
  const settings = checked(table, given, { source, name, exitCode: 2 });
  if (settings.cropMin > settings.cropMax) {
    const where = source === undefined ? '' : `${source}: `;
    throw new UserError(
      `${where}${name('cropMin')} (${settings.cropMin}) must not be above ${name('cropMax')} (${settings.cropMax})`,
      2,
    );
  }
  return settings;
}

/** Checks the settings of a pre-training run; see `parseTable`. */
export function parseSettings(given: unknown, source?: string, name: Naming = flagOf): TrainSettings {
  const settings = parseTable(trainSettings, given, source, name);
  checkMicroBatch(settings, name);
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
  const { architecture, stem, features, headDepth, headWidth, headBatchNorm, seed } = settings;
  return { architecture, stem, features, headDepth, headWidth, headBatchNorm, seed };
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
