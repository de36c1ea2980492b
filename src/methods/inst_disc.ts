import { infoNce } from '../losses/info_nce.ts';
import { makeEncoder } from '../nn/encoders.ts';
import { Linear } from '../nn/layers.ts';
import { columnStd } from '../ops/column_std.ts';
import { detach } from '../ops/detach.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { MemoryBank } from '../ssl/memory_bank.ts';
import { defineMethod } from '../ssl/method.ts';
import { accuracy, embeddingStd } from '../ssl/metrics.ts';
import { augmentationConfig, count, positive, share } from '../ssl/settings.ts';
import { splitStep } from '../ssl/split_step.ts';

/**
 * Instance discrimination (Wu et al., 2018). Every image is a class of its own, whose weight vector is a row of a memory bank: an average
 * of what the network made of the image before. A random view has to find its own row among those of all M images:
 *
 *   v = g(f(x̃)) / ‖g(f(x̃))‖;   loss = mean_i −log( exp(v_i · bank_i / τ) / Σ_j exp(v_i · bank_j / τ) ),   j over all M images
 *   then  bank_i ← normalise(m bank_i + (1 − m) v_i)
 *
 * The softmax is whole: the paper's is approximated by noise-contrastive estimation with 4,096 negatives, which it only is where there are
 * millions of images; the N × M matrix is never stored, and the bank takes 4 M D bytes. The paper's proximal term is left out, as in the
 * authors' code. As there, g is linear, and greyscale comes before a jitter that is always drawn.
 */
export const instDisc = defineMethod({
  name: 'inst-disc',
  about: 'each image is a class: a view looks for its image’s row in a memory bank of all images',
  paper: 'Wu et al., 2018, arXiv 1805.01978',
  microBatches: true,
  options: {
    temperature: positive().default(0.07).describe('temperature τ of the softmax over images'),
    embeddingDim: count(1).max(8192).default(128).describe('size of the embedding v, and of a row of the bank'),
    bankMomentum: share().default(0.5).describe('share m of the old row of the bank in the new one'),
  },
  recipe: {
    ...{ optimizer: 'sgd', nesterov: false, lr: 0.03, weightDecay: 5e-4, schedule: 'step', epochs: 200 },
    ...{ cropMin: 0.2, jitter: 1, jitterHue: 4, blur: 0 },
  },
  short: { optimizer: 'adam', lr: 1e-3, weightDecay: 1e-4, jitterHue: 1, temperature: 0.1 },

  views(settings) {
    const augmentation = { ...augmentationConfig(settings), grayscaleFirst: true };
    return [{ count: 1, size: settings.imageSize, augmentation }];
  },

  create(settings, { training, images }) {
    const own = (image: number) => image;
    const { temperature, embeddingDim: dimensions, bankMomentum: momentum, seed } = settings;
    const f = makeEncoder(settings);
    const g = new Linear('projector', f.dimensions, dimensions, seed);
    const bank = new MemoryBank({ images: images.count, dimensions, seed, momentum });
    return {
      encoder: f,
      groups: [{ name: 'main', modules: [f, g] }],
      kept: { bank: bank.rows },
      ...splitStep(
        {
          embed: ([views], _, mode) => l2Normalize(g.forward(f.forward(views, mode))),
          compare(v, feeds) {
            const target = feeds.perImage('image', own);
            const { loss, accuracy } = infoNce(v, detach(bank.rows), { target, temperature });
            return { loss, log: { accuracy, embeddingStd: columnStd(v) } };
          },
          after: (v, feeds, made) => bank.update(feeds.perImage('row of the bank', own), v, made),
        },
        training,
      ),
      metrics: { accuracy, embeddingStd: embeddingStd(dimensions) },
      chance: {
        loss: Math.log(images.count),
        formula: 'log(M)',
        accuracy: 1 / images.count,
        note: `an image’s row among ${images.count} of the bank`,
        meaning: 'the model does not distinguish the images',
        patience: 5, // rows of the bank are random directions in the first epoch, and of another network for some more
      },
      discriminatesImages: true,
      figures: [{ kind: 'similarity', embed: (views) => g.forward(f.forward(views, { training: false })) }],
    };
  },
});
