import { vicreg as vicregLoss } from '../losses/vicreg.ts';
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
 * VICReg (Bardes, Ponce & LeCun, 2022). Two views' embeddings are pulled together, and two terms, of each view by itself, keep them from
 * becoming the same: every dimension keeps a standard deviation of 1 over the batch, and no two dimensions vary together.
 *
 *   z₁, z₂ = g(f(x₁)), g(f(x₂)) [N, D]
 *   loss = λ mean (z₁ − z₂)² + μ ½ Σ_views mean_j max(0, 1 − std_j) + ν Σ_views 1/D Σ_{i≠j} cov_ij²
 *
 * Each view passes alone, with batch statistics of its own. The expander g has three linear layers without biases. Its width and rate are
 * those of small images; on ImageNet the paper has --embedding-dim 8192 --projector-width 8192 and LARS, and solarises both views
 * with probability 0.1.
 */
export const vicreg = defineMethod({
  name: 'vicreg',
  about: 'two views’ embeddings are pulled together; each dimension must vary, and no two together; no negatives',
  paper: 'Bardes et al., 2022, arXiv 2105.04906',
  microBatches: true,
  options: {
    embeddingDim: count(1).max(8192).default(2048).describe('size of the embedding z'),
    projectorWidth: count(1).max(8192).default(2048).describe('width of the two hidden layers of the expander'),
    invarianceWeight: positive().default(25).describe('weight λ of the distance between two views'),
    varianceWeight: positive().default(25).describe('weight μ of deviations below 1'),
    covarianceWeight: positive().default(1).describe('weight ν of covariances between dimensions'),
    ...secondViewOptions,
  },
  recipe: {
    ...{ optimizer: 'sgd', nesterov: false, lr: 0.12, weightDecay: 5e-4, schedule: 'cosine', epochs: 200 },
    ...{ warmupEpochs: 10, cropMin: 0.2, jitterSaturation: 0.5 },
  },
  short: {
    ...{ optimizer: 'adam', lr: 1e-3, weightDecay: 1e-4, warmupEpochs: 0, embeddingDim: 256, projectorWidth: 256 },
    ...{ blur: 0, secondBlur: 0, secondSolarize: 0 },
  },

  views: twoKindsOfViews,

  create(settings, { training, batchSize: images }) {
    const { embeddingDim, projectorWidth: width, invarianceWeight, varianceWeight, covarianceWeight, seed } = settings;
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
            const { loss, ...terms } = vicregLoss(z1, z2, { invarianceWeight, varianceWeight, covarianceWeight });
            return { loss, log: { ...terms, embeddingStd: columnStd(l2Normalize(z1)) } };
          },
        },
        training,
      ),
      metrics: {
        invariance: { label: 'inv', format: 'number', epoch: 'mean' },
        variance: { label: 'var', format: 'number', epoch: 'mean' },
        covariance: { label: 'cov', format: 'number', epoch: 'mean' },
        embeddingStd: embeddingStd(embeddingDim),
      },
      figures: [
        { kind: 'similarity', embed: (views) => g.forward(f.forward(views, { training: false }), { training: false }) },
      ],
    };
  },
});
