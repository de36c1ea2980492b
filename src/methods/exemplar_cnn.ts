import { z } from 'zod';
import type { Tensor } from '../graph/tensor.ts';
import { makeEncoder } from '../nn/encoders.ts';
import { BatchNorm, Linear, Sequential } from '../nn/layers.ts';
import { crossEntropy } from '../ops/cross_entropy.ts';
import { concat } from '../ops/strided_copy.ts';
import { defineMethod, type Learner } from '../ssl/method.ts';
import { accuracy, chanceOfClasses } from '../ssl/metrics.ts';
import { augmentationConfig, count } from '../ssl/settings.ts';

/**
 * Exemplar-CNN (Dosovitskiy et al., 2014). Every image is a surrogate class, whose examples are random views of it; a linear classifier
 * on the encoder has to name the class of a view:
 *
 *   for x̃ in the V views of image i:  loss = −log softmax(W f(x̃) + b)_c(i),   c(i) = i
 *
 * Two images of one thing are two classes then, which more data makes worse. With --clusters K, c(i) is the image's cluster by k-means of
 * the features with which the run starts (§5 of the paper's longer version): give a trained encoder with --init. Clusters are found once,
 * before the first epoch.
 *
 * What differs from the paper: views are this program's crops and colours and not translations, rotations and contrasts of patches, drawn anew
 * in every epoch and not once; the encoder is a ResNet, whose features batch norm brings to one scale before the classifier: they are
 * positive and much alike at first, and what they share would drown what tells one of thousands of images from another (of 5,000
 * photographs kNN accuracy stayed at 20 % for twelve epochs without, and rose to 27 % with it). The classifier has a row for each class: with M
 * images it is as large as the bank of inst-disc, and has Adam's or SGD's moments besides.
 */
export const exemplarCnn = defineMethod({
  name: 'exemplar-cnn',
  about: 'a linear classifier names the image, or the cluster of images, that a view was made of',
  paper: 'Dosovitskiy et al., 2014, arXiv 1406.6909',
  meanOverImages: true,
  options: {
    views: count(1).max(64).default(4).describe('views of each image in a batch (V)'),
    clusters: count(0)
      .default(0)
      .describe(
        'surrogate classes are so many k-means clusters of the first features, see --init; 0: each image is one',
      ),
    classifierBatchNorm: z
      .boolean()
      .default(true)
      .describe('batch norm, without weight and bias, between the features and the classifier'),
  },
  recipe: {
    ...{ optimizer: 'sgd', lr: 0.05, weightDecay: 5e-4, schedule: 'cosine', epochs: 200, batchSize: 64 },
    ...{ cropMin: 0.2, blur: 0 },
  },
  short: { optimizer: 'adam', lr: 1e-3, weightDecay: 1e-4, views: 2 },

  views: ({ views, imageSize: size, ...settings }) => [
    { count: views, size, augmentation: augmentationConfig(settings) },
  ],

  create({ views: viewsOfEach, clusters, classifierBatchNorm, ...settings }, { training, images }) {
    const f = makeEncoder(settings);
    const classes = clusters || images.count;
    const classifier = new Sequential('classifier', [
      ...(classifierBatchNorm ? [new BatchNorm('classifier.norm', f.dimensions, { affine: false })] : []),
      new Linear('classifier.fc', f.dimensions, classes, settings.seed),
    ]);
    const alone = clusters === 0;
    const beforeEpoch: Learner['beforeEpoch'] = async ({ before, features, clustersOf }) => ({
      cluster: before['cluster'] ?? clustersOf(await features(), clusters),
    });
    return {
      encoder: f,
      groups: [{ name: 'main', modules: [f, classifier] }],
      step([views], feeds) {
        const labels = alone
          ? feeds.perImage('image', (image) => image, viewsOfEach)
          : concat(new Array<Tensor>(viewsOfEach).fill(feeds.epoch('cluster', 'u32')), 0);
        const { loss, accuracy } = crossEntropy(classifier.forward(f.forward(views, training), training), labels);
        return { losses: [['main', () => loss]], log: { accuracy } };
      },
      ...(!alone && { beforeEpoch }),
      metrics: { accuracy },
      chance: chanceOfClasses(classes, {
        note: alone ? `an image among ${classes}` : `one of ${classes} clusters`,
        meaning: `the model does not distinguish the ${alone ? 'images' : 'clusters'}`,
        patience: 2, // in which a classifier has seen each of thousands of classes once or twice
      }),
      discriminatesImages: alone,
    };
  },
});
