import { z } from 'zod';
import type { Tensor } from '../graph/tensor.ts';
import { Classifier } from '../nn/classifier.ts';
import type { Encoder } from '../nn/encoder.ts';
import { isInStages, layerOf, shapeOf } from '../nn/encoder_shape.ts';
import { crossEntropy } from '../ops/cross_entropy.ts';
import { concat, flip } from '../ops/strided_copy.ts';
import { copyAsF16 } from '../optim/trained_group.ts';
import { type ConsistencySettings, consistencyMetrics, consistencyStep, consistencyViews } from '../ssl/consistency.ts';
import type { Feeds, OtherImages } from '../ssl/feeds.ts';
import { type Build, defineMethod, type Learner, type ParameterGroup, type ViewGroup } from '../ssl/method.ts';
import { accuracy, chanceOfClasses } from '../ssl/metrics.ts';
import { type Mixing, mixingOptions, mixShare, mixup, mixViews } from '../ssl/mixing.ts';
import { augmentationConfig } from '../ssl/settings.ts';

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

/** Views of unlabelled photos, beside those of labelled ones. Colours stay as they are, but for RandAugment's. */
export const unlabelledViews = (settings: SupervisedViews, photos: OtherImages): readonly ViewGroup[] =>
  consistencyViews(photos, settings.imageSize, {
    crops: settings.supervisedAugment !== 'none',
    augmentation: augmentationConfig(settings),
  });

export interface ClassificationOptions {
  readonly training: Build['training'];
  /** Only the last layer is trained; its encoder normalises with running statistics, or with those of the batch. */
  readonly frozen?: 'eval' | 'batch' | undefined;
  /** The stem and so many stages of the encoder are not trained, and normalise with running statistics; 0 by default. */
  readonly freezeStages?: number | undefined;
  /** The learning rate of each layer of the encoder as a share of the next one's; 1 by default: see `layerParts`. */
  readonly layerDecay?: number | undefined;
  /** Features [N, dimensions] in place of those that the encoder makes of the views: rows that were computed before. */
  readonly features?: ((feeds: Feeds) => Tensor) | undefined;
  /** Views and labels are mixed; the accuracy is that of each view's own label. */
  readonly mixing?: Mixing | undefined;
  /** Two further view groups are of unlabelled photos: see `consistencyViews`. */
  readonly consistency?: ConsistencySettings | undefined;
}

/**
 * A classifier that learns from labels: softmax cross-entropy. The last layer is f32 in any precision, so the gradients of a head on a
 * frozen encoder are not scaled.
 */
export function classification(
  { encoder, fc, options }: Classifier,
  { training, frozen, freezeStages = 0, layerDecay = 1, features, mixing, consistency }: ClassificationOptions,
): Learner {
  const still = frozen ? encoder : firstStages(encoder, freezeStages);
  if (training.precision === 'f16' && still.parameters.length > 0) copyAsF16('frozen encoder', still.parameters);
  const mode = { ...training, training: frozen !== 'eval', frozenStages: freezeStages };
  // A frozen encoder whose batch norms take the batch's statistics follows with its running ones, as in PyTorch.
  const statistics = { parameters: [], buffers: frozen === 'batch' ? encoder.buffers : [] };
  const { classes } = options;
  const learns = without(encoder, still);
  return {
    encoder,
    groups: frozen
      ? [{ name: 'main', modules: [fc, statistics], scaled: false }]
      : [{ name: 'main', modules: [learns, fc], parts: layerParts(learns, layerDecay) }],
    step([views, ...unlabelled], feeds) {
      if (consistency) {
        const all = encoder.forward(concat([views, ...unlabelled], 0), mode);
        return consistencyStep(fc.forward(all), feeds, consistency);
      }
      const mixes = mixing && mixing.mix !== 'none';
      const x = mixes ? mixViews(views, feeds, mixing) : views;
      const logits = fc.forward(features ? features(feeds) : encoder.forward(x, mode));
      const labels = feeds.labels();
      const { loss, accuracy } = crossEntropy(logits, labels);
      if (!mixes) return { losses: [['main', () => loss]], log: { accuracy } };
      const other = crossEntropy(logits, flip(labels, [0]));
      const share = mixShare(feeds, mixing, views.shape[1]);
      return { losses: [['main', () => mixup(loss, other.loss, share)]], log: { accuracy } };
    },
    metrics: { accuracy, ...(consistency && consistencyMetrics) },
    chance: chanceOfClasses(classes, {
      note: `one of ${classes} classes`,
      meaning: 'the model does not distinguish the classes',
    }),
  };
}

/** Tensors of an encoder. */
export type EncoderPart = Pick<Encoder, 'parameters' | 'buffers'>;

/** Those of its stem and of its first stages. */
export function firstStages({ parameters, buffers }: EncoderPart, stages: number): EncoderPart {
  const inside = (entries: EncoderPart['parameters']) =>
    entries.filter(({ tensor }) => isInStages(tensor.name, stages));
  return { parameters: inside(parameters), buffers: inside(buffers) };
}

/**
 * Parts of a group with layer-wise learning rates (Clark et al., 2020; BEiT, MAE): lr · decay^(L − l) of layer l of L, so that those that are
 * near the image change less; what stands behind the layers, and the classifier, have lr.
 */
function layerParts({ parameters }: EncoderPart, decay: number): NonNullable<ParameterGroup['parts']> {
  if (decay === 1) return [];
  const layers = parameters.map(({ tensor }) => layerOf(tensor.name));
  const last = Math.max(...layers.map((layer) => layer ?? 0)) + 1;
  return [...new Set(layers)].flatMap((layer) => {
    if (layer === undefined) return [];
    const own = parameters.filter((_, i) => layers[i] === layer);
    return [{ modules: [{ parameters: own }], lr: (scheduled: number) => scheduled * decay ** (last - layer) }];
  });
}

/** An encoder without a part of it. */
function without({ parameters, buffers }: EncoderPart, part: EncoderPart): EncoderPart {
  const left = new Set([...part.parameters, ...part.buffers]);
  const others = (entries: EncoderPart['parameters']) => entries.filter((entry) => !left.has(entry));
  return { parameters: others(parameters), buffers: others(buffers) };
}

/** Training on labels: the measure of what learning without them is worth. */
export const supervised = defineMethod({
  name: 'supervised',
  about: 'a linear classifier on the encoder, trained on labels with softmax cross-entropy',
  paper: 'He et al., 2016, arXiv 1512.03385',
  meanOverImages: true,
  needsLabels: true,
  options: {
    supervisedAugment: z
      .enum(supervisedAugments)
      .default('crop-flip')
      .describe('augmentation: none, random crops and flips, or as in SimCLR'),
    ...mixingOptions,
  },
  recipe: { split: 'train' },
  views: supervisedViews,
  create(settings, { training, images }) {
    const { classes } = images;
    const classifier = new Classifier({
      ...shapeOf(settings),
      dropPath: settings.dropPath,
      seed: settings.seed,
      classes,
    });
    return classification(classifier, { training, mixing: settings });
  },
});
