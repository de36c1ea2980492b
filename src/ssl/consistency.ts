/** UDA's consistency loss as settings of a training on labels: which views it wants of unlabelled photos, and its step. */
import { z } from 'zod';
import type { Tensor } from '../graph/tensor.ts';
import { annealedCrossEntropy, annealedThreshold, annealings, consistency } from '../losses/consistency.ts';
import { add } from '../ops/add.ts';
import type { AugmentationConfig } from '../ops/augment.ts';
import { mul } from '../ops/binary.ts';
import { crossEntropy } from '../ops/cross_entropy.ts';
import { slice } from '../ops/strided_copy.ts';
import type { Feeds, OtherImages } from './feeds.ts';
import type { Metric, Step, ViewGroup } from './method.ts';
import { count, operationSlots, positive, share } from './settings.ts';

export const consistencyOptions = {
  consistency: z
    .number()
    .min(0)
    .default(0)
    .describe('weight λ of the consistency loss of UDA on photos without labels; 0: off'),
  consistencyRatio: count(1).max(100).default(7).describe('unlabelled photos in a step for each labelled one'),
  consistencyTemperature: positive()
    .default(0.4)
    .describe('temperature τ that sharpens what is to be predicted of them'),
  consistencyThreshold: share()
    .default(0.8)
    .describe('probability β that a class of an unlabelled photo must exceed for it to count'),
  signalAnnealing: z
    .enum(annealings)
    .default('none')
    .describe('training signal annealing: how labelled images that are recognised already are released during the run'),
};
export type ConsistencySettings = Readonly<z.infer<z.ZodObject<typeof consistencyOptions>>>;

/** Keep the draws of unlabelled photos apart from those of a pre-training (0) and of labelled images (1). */
const streams = { plain: 2, strong: 3 };

/** The published RandAugment, then a square of half the side that is cut out. */
const strongOperations = { policy: 'randaugment', randOperations: 2, randMagnitude: 9, cutout: 1 } as const;

const wholeImage = { scale: [1, 1], ratio: [1, 1] } as const;
const sameColours = { jitter: 0, grayscale: 0, blur: 0, solarize: 0 } as const;

/**
 * Two groups of views of unlabelled photos: strong ones, which are augmented by RandAugment and cut-outs, and plain ones. Crops and flips of both are
 * those of labelled images; where these are whole, so are the plain ones, and the strong ones are flipped only.
 */
export function consistencyViews(
  of: OtherImages,
  size: number,
  { crops, augmentation }: { readonly crops: boolean; readonly augmentation: AugmentationConfig },
): readonly ViewGroup[] {
  const shaped = { ...augmentation, ...sameColours, ...(crops ? {} : wholeImage) };
  const operations = (side: number) => operationSlots(strongOperations, side);
  return [
    { count: 1, size, of, stream: streams.strong, augmentation: { ...shaped, operations } },
    { count: 1, size, of, stream: streams.plain, augmentation: crops ? shaped : undefined },
  ];
}

/**
 * UDA (Xie et al., 2020): cross-entropy of the labelled images, and λ times the consistency of unlabelled photos. Logits [N + 2M, K] of one
 * pass, as in the authors' code, so that batch norm sees all: N labelled images, M strong views, M photos.
 */
export function consistencyStep(logits: Tensor, feeds: Feeds, settings: ConsistencySettings): Step {
  const labels = feeds.labels();
  const [rows, classes] = logits.shape;
  const labelled = labels.size;
  const unlabelled = (rows - labelled) / 2;
  const [own, strong, plain] = [
    slice(logits, 0, 0, labelled),
    slice(logits, 0, labelled, labelled + unlabelled),
    slice(logits, 0, labelled + unlabelled, rows),
  ];
  const supervised = crossEntropy(own, labels);
  const { loss, confident } = consistency(strong, plain, {
    temperature: settings.consistencyTemperature,
    threshold: settings.consistencyThreshold,
  });
  const log = { accuracy: supervised.accuracy, consistencyLoss: loss, confident };
  const withLabels = (labelledLoss: Tensor) => add(labelledLoss, mul(loss, settings.consistency));
  const { signalAnnealing } = settings;
  if (signalAnnealing === 'none') return { losses: [['main', () => withLabels(supervised.loss)]], log };
  const threshold = feeds.scalar('signal threshold', ({ step, steps }) =>
    annealedThreshold(signalAnnealing, step / steps, classes),
  );
  const annealed = annealedCrossEntropy(own, labels, threshold);
  return { losses: [['main', () => withLabels(annealed.loss)]], log: { ...log, counted: annealed.counted } };
}

export const consistencyMetrics: Readonly<Record<string, Metric>> = {
  consistencyLoss: { label: 'consistency', format: 'number', epoch: 'mean' },
  confident: { label: 'confident', format: 'percent', epoch: 'mean' },
  counted: { label: 'labels counted', format: 'percent', epoch: 'mean' },
};
