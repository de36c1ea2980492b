// @ts-check
/**
 * Exemplar-CNN (Dosovitskiy et al., 2014) as a method of one's own. Every image is a class by itself, of which random views are the
 * examples: a linear classifier on the encoder learns to tell which image a view was made of.
 *
 *   for x̃ in the views of image i:  loss = −log softmax(W f(x̃) + b)_i
 */
import { accuracy, augmentationConfig, count, crossEntropy, defineMethod, Linear, makeEncoder } from 'simclr-webgpu';

export const exemplar = defineMethod({
  name: 'exemplar',
  about: 'every image is a class of its own, whose views a linear classifier has to name',
  paper: 'Dosovitskiy et al., 2014, arXiv 1406.6909',
  options: {
    views: count(1).max(16).default(2).describe('views of each image in a batch'),
  },
  recipe: { optimizer: 'sgd', lr: 0.05, schedule: 'cosine' },
  short: { lr: 0.02 },

  views: (settings) => [
    { count: settings.views, size: settings.imageSize, augmentation: augmentationConfig(settings) },
  ],

  create(settings, { training, images }) {
    const f = makeEncoder(settings);
    const classifier = new Linear('fc', f.dimensions, images.count, settings.seed);
    return {
      encoder: f,
      groups: [{ name: 'main', modules: [f, classifier] }],
      step([views], feeds) {
        const logits = classifier.forward(f.forward(views, training));
        const labels = feeds.perImage('image', (image) => image, settings.views);
        const { loss, accuracy } = crossEntropy(logits, labels);
        return { losses: [['main', () => loss]], log: { accuracy } };
      },
      metrics: { accuracy },
      chance: {
        loss: Math.log(images.count),
        formula: `log(${images.count})`,
        accuracy: 1 / images.count,
        note: `one of ${images.count} images`,
        meaning: 'the model does not tell which image a view was made of',
      },
      discriminatesImages: true,
    };
  },
});
