import { z } from 'zod';
import type { Tensor } from '../graph/tensor.ts';
import { Classifier } from '../nn/classifier.ts';
import { crossEntropy } from '../ops/cross_entropy.ts';
import { copyAsF16 } from '../optim/trained_group.ts';
import type { Feeds } from '../ssl/feeds.ts';
import { type Build, defineMethod, type Learner, type ViewGroup } from '../ssl/method.ts';
import { accuracy } from '../ssl/metrics.ts';
import { augmentationConfig, type SharedSettings } from '../ssl/settings.ts';

/** What training shows of an image: all of it; a random crop, perhaps flipped; a view as in pre-training. */
export const supervisedAugments = ['none', 'crop-flip', 'simclr'] as const;
export type SupervisedAugment = (typeof supervisedAugments)[number];

/** Keeps the augmentation apart from that of a pre-training with the same seed, whose first stream is 0. */
const supervisedStream = 1;

export type SupervisedViews = Parameters<typeof augmentationConfig>[0] & {
  readonly imageSize: number;
  readonly supervisedAugment: SupervisedAugment;
};

/** One view of each image. */
export function supervisedViews(settings: SupervisedViews): readonly ViewGroup[] {
  const { supervisedAugment, imageSize: size } = settings;
  const whole = augmentationConfig(settings);
  const augmentation = {
    none: undefined,
    'crop-flip': { ...whole, jitter: 0, grayscale: 0, blur: 0, solarize: 0 },
    simclr: whole,
  }[supervisedAugment];
  return [{ count: 1, size, augmentation, stream: supervisedStream }];
}

export interface ClassificationOptions {
  readonly training: Build['training'];
  /** Only the last layer is trained; its encoder normalises with running statistics, or with those of the batch. */
  readonly frozen?: 'eval' | 'batch' | undefined;
  /** Features [N, dimensions] in place of those that the encoder makes of the views: rows that were computed before. */
  readonly features?: ((feeds: Feeds) => Tensor) | undefined;
}

/**
 * A classifier that learns from labels: softmax cross-entropy. The last layer is f32 in any precision, so the gradients of a head on a
 * frozen encoder are not scaled.
 */
export function classification(
  { encoder, fc, options }: Classifier,
  { training, frozen, features }: ClassificationOptions,
): Learner {
  if (frozen && training.precision === 'f16') copyAsF16('frozen encoder', encoder.parameters);
  const mode = { ...training, training: frozen !== 'eval' };
  // A frozen encoder whose batch norms take the batch's statistics follows with its running ones, as in PyTorch.
  const statistics = { parameters: [], buffers: frozen === 'batch' ? encoder.buffers : [] };
  const { classes } = options;
  return {
    encoder,
    groups: frozen
      ? [{ name: 'main', modules: [fc, statistics], scaled: false }]
      : [{ name: 'main', modules: [encoder, fc] }],
    step([views], feeds) {
      const h = features ? features(feeds) : encoder.forward(views, mode);
      const { loss, accuracy } = crossEntropy(fc.forward(h), feeds.labels());
      return { losses: [['main', () => loss]], log: { accuracy } };
    },
    metrics: { accuracy },
    chance: {
      loss: Math.log(classes),
      formula: `log(${classes})`,
      accuracy: 1 / classes,
      note: `one of ${classes} classes`,
      meaning: 'the model does not distinguish the classes',
    },
  };
}

/** Training on labels: the measure of what learning without them is worth. */
export const supervised = defineMethod({
  name: 'supervised',
  about: 'a linear classifier on the encoder, trained on labels with softmax cross-entropy',
  paper: 'He et al., 2016, arXiv 1512.03385',
  needsLabels: true,
  options: {
    supervisedAugment: z
      .enum(supervisedAugments)
      .default('crop-flip')
      .describe('augmentation: none, random crops and flips, or as in SimCLR'),
  },
  recipe: { split: 'train' },
  views: supervisedViews,
  create(settings, { training, images }) {
    const { architecture, stem, width, seed }: SharedSettings = settings;
    const { classes } = images;
    return classification(new Classifier({ architecture, stem, width, seed, classes }), { training });
  },
});
