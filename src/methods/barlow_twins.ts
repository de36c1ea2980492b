import { barlowTwins as barlowTwinsLoss } from '../losses/barlow_twins.ts';
import { makeEncoder } from '../nn/encoders.ts';
import { mlp } from '../nn/mlp.ts';
import { columnStd } from '../ops/column_std.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { slice } from '../ops/strided_copy.ts';
import { defineMethod } from '../ssl/method.ts';
import { embeddingStd } from '../ssl/metrics.ts';
import { secondViewOptions, twoKindsOfViews } from '../ssl/second_view.ts';
import { count, positive } from '../ssl/settings.ts';
import { eachView, splitStep } from '../ssl/split_step.ts';

/**
 * Barlow Twins (Zbontar et al., 2021). Over the batch, each dimension of one view's embedding is to correlate with the same dimension of
 * the other view's, and with no other: what makes an image an image stays, and no two dimensions say the same. There are no
 * negatives, no stop-gradient and no second network.
 *
 *   z₁, z₂ = g(f(x₁)), g(f(x₂)) [N, D];   C = cross-correlation of their columns [D, D]
 *   loss = Σ_i (1 − C_ii)² + λ Σ_i Σ_{j≠i} C_ij²
 *
 * Each view passes alone, with batch statistics of its own. The projector has three linear layers without biases. Its width and rate are
 * those of small images (lightly); on ImageNet the paper has --embedding-dim 8192 --projector-width 8192 and LARS, with rates of its
 * own for weights and biases.
 */
export const barlowTwins = defineMethod({
  name: 'barlow-twins',
  about: 'dimensions of two views’ embeddings correlate with their own kind and with no other; no negatives',
  paper: 'Zbontar et al., 2021, arXiv 2103.03230',
  microBatches: true,
  options: {
    embeddingDim: count(1).max(8192).default(2048).describe('size of the embedding z'),
    projectorWidth: count(1).max(8192).default(2048).describe('width of the two hidden layers of the projector'),
    redundancyWeight: positive().default(0.0051).describe('weight λ of the correlations between different dimensions'),
    ...secondViewOptions,
  },
  recipe: {
    ...{ optimizer: 'sgd', nesterov: false, lr: 0.12, weightDecay: 5e-4, schedule: 'cosine', epochs: 200 },
    ...{ warmupEpochs: 10, jitterSaturation: 0.5, blur: 1 },
  },
  // Sums over D² correlations have gradients of another size than means over images: Adam's steps do not follow it.
  short: {
    ...{ optimizer: 'adam', lr: 1e-3, weightDecay: 1e-4, warmupEpochs: 0, embeddingDim: 256, projectorWidth: 256 },
    ...{ cropMin: 0.2, blur: 0, secondBlur: 0, secondSolarize: 0 },
  },

  views: twoKindsOfViews,

  create(settings, { training, batchSize: images }) {
    const { embeddingDim, projectorWidth: width, redundancyWeight, seed } = settings;
    const f = makeEncoder(settings);
    const g = mlp({
      ...{ name: 'projector', widths: [f.dimensions, width, width, embeddingDim], seed },
      ...{ batchNorm: 'hidden', hiddenBias: false, outputBias: false },
    });
    return {
      encoder: f,
      groups: [{ name: 'main', modules: [f, g] }],
      ...splitStep(
        {
          embed: (views, _, mode) => eachView(views, (view) => g.forward(f.forward(view, mode), mode)),
          compare(z) {
            const [z1, z2] = [slice(z, 0, 0, images), slice(z, 0, images)];
            const { loss, invariance, redundancy } = barlowTwinsLoss(z1, z2, { redundancyWeight });
            return {
              loss,
              log: { invariance, redundancy, embeddingStd: columnStd(l2Normalize(z1)) },
            };
          },
        },
        training,
      ),
      metrics: {
        invariance: { label: 'inv', format: 'number', epoch: 'mean' },
        redundancy: { label: 'red', format: 'number', epoch: 'mean' },
        embeddingStd: embeddingStd(embeddingDim),
      },
      figures: [
        { kind: 'similarity', embed: (views) => g.forward(f.forward(views, { training: false }), { training: false }) },
      ],
    };
  },
});
