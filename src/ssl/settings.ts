/** The settings that every method has, and what a step makes of them. */
import { z } from 'zod';
import type { Tensor } from '../graph/tensor.ts';
import { architectures, encoderInputs } from '../nn/encoder_shape.ts';
import { stems } from '../nn/resnet.ts';
import { norms } from '../nn/resnet_blocks.ts';
import { positionKinds } from '../nn/vit.ts';
import type { AugmentationConfig } from '../ops/augment.ts';
import type { Operation, OperationSlot } from '../ops/augment_operations.ts';
import { precisions } from '../ops/precision.ts';
import { adam } from '../optim/adam.ts';
import { lars } from '../optim/lars.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import type { RateRow } from '../optim/rates.ts';
import { schedules } from '../optim/schedule.ts';
import { sgd } from '../optim/sgd.ts';
import { policies, policyFault, policySlots } from './policies.ts';

/** A setting that is a whole number, `least` or more. */
export const count = (least: number) => z.number().int().min(least);
/** A setting from 0 to 1. */
export const share = () => z.number().min(0).max(1);
/** A setting above 0. */
export const positive = () => z.number().gt(0);

/**
 * Every setting that methods share, with its default and its explanation: the command line, its help and the check of
 * `config.json` come from this table, under the headings that it has here. Defaults follow the published SimCLR experiment where it
 * says something; a method's `recipe` has others.
 */
export const settingGroups = {
  'Data and length': {
    split: z.enum(['unlabeled', 'train+unlabeled', 'train']).default('unlabeled').describe('images to train on'),
    imageSize: count(16).max(512).default(96).describe('height and width of a view, in pixels'),
    batchSize: count(2).max(65536).default(256).describe('images per batch (N)'),
    microBatch: count(0)
      .max(65536)
      .default(0)
      .describe(
        'images per micro-batch (M, a divisor of N), to fit large batches into memory: the loss still compares the whole batch, ' +
          'batch norm uses the statistics of each micro-batch; 0: off',
      ),
    syncBatchNorm: z
      .boolean()
      .default(false)
      .describe(
        'with several processes: batch norm uses the statistics of the images of all of them, which they exchange in each layer',
      ),
    epochs: count(1).default(100).describe('passes over the images'),
    steps: count(0).default(0).describe('stop after this many steps in total; 0: after the last epoch'),
    seed: count(0).default(1).describe('random seed of weights, order and augmentation'),
    images: z.enum(['gpu', 'host']).default('gpu').describe('where decoded images are stored; host uploads each batch'),
  },
  Optimization: {
    optimizer: z
      .enum(['adam', 'adamw', 'sgd', 'lars'])
      .default('adam')
      .describe('optimizer: adam (coupled L2 decay), adamw (decoupled decay), sgd, lars'),
    lr: positive().default(1e-3).describe('learning rate'),
    weightDecay: z.number().min(0).default(1e-4).describe('weight decay'),
    excludeBiasAndNorm: z
      .boolean()
      .default(false)
      .describe('no weight decay on biases and batch-norm parameters (lars never decays them)'),
    momentum: z.number().gt(0).lt(1).default(0.9).describe('momentum (sgd and lars)'),
    nesterov: z.boolean().default(true).describe('Nesterov momentum (sgd)'),
    beta1: z.number().min(0).lt(1).default(0.9).describe('decay of the average of the gradients, β₁ (adam and adamw)'),
    beta2: z
      .number()
      .min(0)
      .lt(1)
      .default(0.999)
      .describe('decay of the average of their squares, β₂ (adam and adamw)'),
    schedule: z
      .enum(['constant', 'cosine', 'linear', 'step'])
      .default('constant')
      .describe(
        'learning-rate schedule after warm-up: constant, cosine or linear to 0, or a tenth at each of the milestones',
      ),
    lrMilestones: z
      .string()
      .regex(/^0\.\d+(,0\.\d+)*$/, 'shares of the run such as 0.6,0.8')
      .default('0.6,0.8')
      .describe('shares of the run after which --schedule step takes a tenth of the learning rate'),
    warmupEpochs: z.number().min(0).default(0).describe('epochs of linear learning-rate warm-up'),
    clipNorm: z
      .number()
      .min(0)
      .default(0)
      .describe('largest norm of the gradients: longer ones are scaled down; 0: off'),
    clipPer: z
      .enum(['all', 'tensor'])
      .default('all')
      .describe('whether --clip-norm is of all gradients together or of each tensor'),
    precision: z
      .enum(precisions)
      .default('f32')
      .describe('f16: half-precision activations and convolution weights, with loss scaling; needs shader-f16'),
  },
  Encoder: {
    architecture: z
      .enum(architectures)
      .default('resnet18')
      .describe(
        'encoder network: a ResNet, dcgan, the three convolutions of a DCGAN’s discriminator, or a vision transformer (vit)',
      ),
    stem: z
      .enum(stems)
      .default('imagenet')
      .describe(
        'first layers of a ResNet: imagenet (7×7 stride 2, max-pool) or cifar (3×3 stride 1); others have none to choose',
      ),
    width: z
      .number()
      .min(0.25)
      .max(4)
      .multipleOf(0.25)
      .default(1)
      .describe('multiplies the channels of every encoder layer; 0.25 takes about a sixteenth of the arithmetic'),
    norm: z
      .enum(norms)
      .default('batch')
      .describe(
        'what follows the convolutions of a ResNet: batch norm, or layer norm over the channels of each pixel, with which no image sees another',
      ),
    patch: z
      .number()
      .int()
      .min(0)
      .max(64)
      .default(0)
      .describe(
        'of a vision transformer: height and width of a patch in pixels, which divide --image-size; 0: the smallest that makes at most 14×14 patches',
      ),
    positions: z
      .enum(positionKinds)
      .default('learned')
      .describe('of a vision transformer: embeddings of places, learned or fixed sines and cosines'),
    dropPath: z
      .number()
      .min(0)
      .max(0.9)
      .default(0)
      .describe(
        'of a vision transformer: probability that its last block is left out for an image in training, less for earlier ones (stochastic depth)',
      ),
    input: z
      .enum(encoderInputs)
      .default('rgb')
      .describe(
        'what the encoder sees of an image: rgb, standardized (mean 0 and deviation 1 of its own in each channel), lightness (L of CIE Lab), lab-halves (two networks of half the channels, one of which ' +
          'sees L, the other a and b), or patches (7×7 overlapping ones, whose features are averaged)',
      ),
  },
  Augmentation: {
    cropMin: positive().max(1).default(0.08).describe('smallest crop, as a fraction of the image area'),
    cropMax: positive().max(1).default(1).describe('largest crop, as a fraction of the image area'),
    flip: share().default(0.5).describe('probability of a horizontal flip'),
    jitter: share().default(0.8).describe('probability of colour jitter'),
    jitterStrength: z
      .number()
      .min(0)
      .max(1.25)
      .default(0.5)
      .describe('jitter strength s: brightness, contrast, saturation 0.8 s, hue 0.2 s'),
    jitterSaturation: z.number().min(0).max(2).default(1).describe('multiplies the jitter of the saturation'),
    jitterHue: z.number().min(0).max(5).default(1).describe('multiplies the jitter of the hue'),
    grayscale: share().default(0.2).describe('probability of greyscale'),
    blur: share().default(0.5).describe('probability of Gaussian blur'),
    solarize: share().default(0).describe('probability of solarisation: colours of 1/2 and above inverted'),
    rotate: share().default(0).describe('probability of a turn by 90, 180 or 270 degrees'),
    policy: z
      .string()
      .check(({ value, issues }) => {
        const fault = policyFault(value);
        if (fault) issues.push({ code: 'invalid_format', format: 'policy', message: fault, input: value });
      })
      .default('none')
      .describe(
        'policy of further operations, between flip and jitter: randaugment, a published policy of AutoAugment, the published schedule ' +
          'of PBA, infomin, which brings defaults of crops, jitter, greyscale and blur with it, or a file with a schedule or sub-policies of ' +
          `one’s own (docs/augmentation.md); names: ${policies.join(', ')}`,
      ),
    randOperations: count(1).max(8).default(2).describe('operations that --policy randaugment does to a view (n)'),
    randMagnitude: count(0).max(30).default(9).describe('their magnitude (m), from 0 to 30'),
    noise: share().default(0).describe('probability of additive Gaussian noise'),
    noiseStd: positive().max(1).default(0.1).describe('its standard deviation, where colours are from 0 to 1'),
    cutout: share().default(0).describe('probability that a square of half the side is made black'),
    normalize: z
      .enum(['imagenet', 'half', 'none'])
      .default('imagenet')
      .describe('mean and standard deviation for normalisation: ImageNet’s, 0.5 and 0.5, or 0 and 1'),
  },
  'Evaluation and files': {
    knnEvery: count(0)
      .default(5)
      .describe('epochs between kNN evaluations of the features, if there are labels; 0: never'),
    knnNeighbors: count(1).default(20).describe('number of neighbours in the kNN evaluation'),
    knnImages: count(1).default(5000).describe('maximum number of train and of test images in the kNN evaluation'),
    figureEvery: count(0).default(10).describe('epochs between figures; 0: at the start and end only'),
    checkpointEvery: count(1).default(1).describe('epochs between checkpoints'),
    checkpointSteps: count(0).default(0).describe('steps between additional checkpoints within an epoch; 0: none'),
    keep: count(1).default(3).describe('number of checkpoints to keep'),
  },
} as const;

/** The same without headings. */
export const sharedShape = {
  ...settingGroups['Data and length'],
  ...settingGroups.Optimization,
  ...settingGroups.Encoder,
  ...settingGroups.Augmentation,
  ...settingGroups['Evaluation and files'],
};

export const sharedSettings = z.strictObject(sharedShape);
/** The settings that runs of all methods have. */
export type SharedSettings = z.infer<typeof sharedSettings>;
export type SettingName = keyof SharedSettings;

/** What a step needs of the settings. */
export type StepSettings = Pick<
  SharedSettings,
  | 'batchSize'
  | 'microBatch'
  | 'epochs'
  | 'steps'
  | 'seed'
  | 'imageSize'
  | 'normalize'
  | 'precision'
  | 'lr'
  | 'schedule'
  | 'warmupEpochs'
> &
  Partial<Pick<SharedSettings, 'lrMilestones' | 'syncBatchNorm'>> &
  OptimizerSettings;

/** What labelled trainings of the experiment do not set is as in the table. */
export type OptimizerSettings = Pick<SharedSettings, 'optimizer' | 'weightDecay' | 'momentum'> &
  Partial<Pick<SharedSettings, 'nesterov' | 'beta1' | 'beta2' | 'excludeBiasAndNorm' | 'clipNorm' | 'clipPer'>>;

/** The settings that say how a view is made of an image. */
export const augmentationSettings = Object.keys(settingGroups.Augmentation).filter(
  (name) => name !== 'normalize',
) as readonly Exclude<keyof typeof settingGroups.Augmentation, 'normalize'>[];

/** Defaults of other settings that a policy brings with it, as `policy` is only a part of what its paper does. */
export const augmentationPresets: Readonly<Record<string, Partial<SharedSettings>>> = {
  infomin: { cropMin: 0.2, cropMax: 1, flip: 0.5, jitter: 0.8, jitterStrength: 1, grayscale: 0.2, blur: 0.5 },
};

/** What the preset that is asked for puts under what else is given. */
export const presetOf = (given: unknown): Partial<SharedSettings> =>
  augmentationPresets[String((given as Partial<SharedSettings> | null)?.policy)] ?? {};

/** Settings that say which operations are done between flip and jitter. Not every program that makes views has them. */
type OperationSettings = Pick<
  SharedSettings,
  'rotate' | 'policy' | 'randOperations' | 'randMagnitude' | 'noise' | 'noiseStd' | 'cutout'
>;
export type AugmentationSettings = Pick<
  SharedSettings,
  Exclude<(typeof augmentationSettings)[number], keyof OperationSettings>
> &
  Partial<OperationSettings>;

/** Turns, the policy's operations, noise and cutout: a slot for each that the settings have, in views of a size. */
export function operationSlots(
  {
    rotate = 0,
    policy = 'none',
    randOperations = 2,
    randMagnitude = 9,
    noise = 0,
    noiseStd = 0.1,
    cutout = 0,
  }: Partial<OperationSettings>,
  size: number,
): readonly OperationSlot[] {
  const one = (probability: number, ...choices: Omit<Operation, 'probability'>[]): OperationSlot[] =>
    probability > 0 ? [{ choices: choices.map((choice) => ({ ...choice, probability })) }] : [];
  return [
    ...one(rotate, ...[1, 2, 3].map((magnitude) => ({ name: 'turn', magnitude }) as const)),
    ...policySlots(policy, { operations: randOperations, magnitude: randMagnitude }, size, policyDraw),
    ...one(noise, { name: 'noise', magnitude: noiseStd }),
    ...one(cutout, { name: 'cutout', magnitude: Math.floor(size / 2) }),
  ];
}
/** Above the number of any slot, which is the draw of slots that have no other. */
const policyDraw = 40;

/** What is drawn of a view. The ranges of its shape and of the blur are SimCLR's and have no setting. */
export function augmentationConfig(settings: AugmentationSettings): AugmentationConfig {
  const { cropMin, cropMax, flip, jitter, grayscale, blur, solarize } = settings;
  const { jitterStrength: strength, jitterSaturation: saturation, jitterHue: hue } = settings;
  const ranges = { ratio: [3 / 4, 4 / 3], sigma: [0.1, 2] } as const;
  const { rotate, policy, noise, cutout } = settings;
  const some = rotate || noise || cutout || (policy && policy !== 'none');
  return {
    ...{ ...ranges, scale: [cropMin, cropMax], flip, jitter, strength, saturation, hue, grayscale, blur, solarize },
    ...(some && { operations: (size) => operationSlots(settings, size) }),
  };
}

export function makeOptimizer(
  { optimizer, weightDecay, momentum, nesterov = true, beta1 = 0.9, beta2 = 0.999 }: OptimizerSettings,
  weights: Tensor,
  rowOf?: RateRow,
): Optimizer {
  const shared = { weightDecay, ...(rowOf && { rowOf }) };
  switch (optimizer) {
    case 'adam':
      return adam(weights, { ...shared, betas: [beta1, beta2] });
    case 'adamw':
      return adam(weights, { ...shared, betas: [beta1, beta2], decoupled: true });
    case 'sgd':
      return sgd(weights, { ...shared, momentum, nesterov });
    case 'lars':
      return lars(weights, { ...shared, momentum });
    default:
      return optimizer satisfies never;
  }
}

/** Steps of a run: its epochs, or fewer where `--steps` ends it before. */
export function totalSteps({ epochs, steps }: Pick<SharedSettings, 'epochs' | 'steps'>, perEpoch: number): number {
  const most = perEpoch * epochs;
  return steps > 0 ? Math.min(steps, most) : most;
}

/** The learning rate of a step (from 1) of a run of `total` steps. */
export function learningRate(
  settings: Pick<SharedSettings, 'lr' | 'schedule' | 'warmupEpochs'> & Partial<Pick<SharedSettings, 'lrMilestones'>>,
  step: number,
  total: number,
  perEpoch: number,
): number {
  const warmup = Math.min(total, Math.round(settings.warmupEpochs * perEpoch));
  const { lr: base, schedule, lrMilestones = sharedShape.lrMilestones.parse(undefined) } = settings;
  return schedules[schedule](step, { base, total, warmup, milestones: lrMilestones.split(',').map(Number) });
}
