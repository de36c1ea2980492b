import { z } from 'zod';
import type { Naming } from '../io/checked.ts';
import { supervisedAugments } from '../methods/supervised.ts';
import { stageCount } from '../nn/encoder_shape.ts';
import { consistencyOptions } from '../ssl/consistency.ts';
import { sharedSettings } from '../ssl/settings.ts';
import { parseTable } from './settings.ts';

/** From scratch; a pre-trained encoder as it is under a new linear layer; a pre-trained encoder trained on. */
export const supervisedModes = ['baseline', 'frozen', 'transfer'] as const;
export type SupervisedMode = (typeof supervisedModes)[number];

/**
 * Every setting of a supervised training with its default and its explanation, like `sharedSettings`. The source gives Adam, 1e-3,
 * 100 epochs, 256 images a batch and weight decay 1e-4, and no augmentation. `none` is the default because the published baseline
 * ends at 100 % of its training images (loss 0.0041) and half of its test images, which training on random crops does not do.
 */
export const supervisedSettings = sharedSettings
  .pick({
    epochs: true,
    optimizer: true,
    lr: true,
    weightDecay: true,
    momentum: true,
    schedule: true,
    warmupEpochs: true,
    precision: true,
    imageSize: true,
    normalize: true,
    architecture: true,
    stem: true,
    width: true,
    norm: true,
    patch: true,
    positions: true,
    dropPath: true,
    input: true,
    cropMin: true,
    cropMax: true,
    flip: true,
    jitter: true,
    jitterStrength: true,
    jitterSaturation: true,
    jitterHue: true,
    grayscale: true,
    blur: true,
    solarize: true,
    seed: true,
    images: true,
    checkpointEvery: true,
  })
  .extend({
    batchSize: z
      .number()
      .int()
      .min(2)
      .max(65536)
      .default(256)
      .describe('images per batch; fewer if there are not as many'),
    supervisedAugment: z
      .enum(supervisedAugments)
      .default('none')
      .describe('augmentation: none, random crops and flips, or as in pre-training'),
    frozenBn: z
      .enum(['eval', 'batch'])
      .default('eval')
      .describe('batch norm of a frozen encoder: running statistics, or batch statistics (updating the running ones)'),
    freezeStages: z
      .number()
      .int()
      .min(0)
      .max(stageCount)
      .default(0)
      .describe(
        'the stem and so many of the encoder’s stages (four, of dcgan two) stay as they are, batch norm with its running statistics; 0: all layers learn',
      ),
    layerDecay: z
      .number()
      .positive()
      .max(1)
      .default(1)
      .describe(
        'learning rate of each layer of the encoder (stem, stages of a ResNet, blocks of a vision transformer) as a share of the next one’s; 1: the same for all',
      ),
    ...consistencyOptions,
  });

/** Settings of a training with labels. */
export type SupervisedSettings = z.infer<typeof supervisedSettings>;

/** Checks settings, with defaults for those that are not there. UserError: one line that names every wrong one; exit code 2, and 1 for a file. */
export const parseSupervisedSettings = (
  given: unknown,
  source?: string,
  name?: Naming,
  remedy?: string,
): SupervisedSettings => parseTable(supervisedSettings, given, source, name, remedy);

/** Whether the features of an image are the same in every step of a training. */
export const hasFixedFeatures = (
  mode: SupervisedMode,
  { supervisedAugment, frozenBn }: Pick<SupervisedSettings, 'supervisedAugment' | 'frozenBn'>,
): boolean => mode === 'frozen' && supervisedAugment === 'none' && frozenBn === 'eval';
