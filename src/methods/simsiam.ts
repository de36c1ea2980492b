import { z } from 'zod';
import { negativeCosine } from '../losses/negative_cosine.ts';
import { makeEncoder } from '../nn/encoders.ts';
import { mlp } from '../nn/mlp.ts';
import { add } from '../ops/add.ts';
import { mul } from '../ops/binary.ts';
import { columnStd } from '../ops/column_std.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { defineMethod } from '../ssl/method.ts';
import { embeddingStd } from '../ssl/metrics.ts';
import { augmentationConfig, count, positive } from '../ssl/settings.ts';

/**
 * SimSiam (Chen & He, 2021). A predictor h says from one view's z = g(f(x)) what the other view's is, which counts as a constant. There
 * are no negatives and no second network: the stop-gradient alone keeps all z from becoming the same.
 *
 *   z₁, z₂ = g(f(x₁)), g(f(x₂));   p₁, p₂ = h(z₁), h(z₂);   loss = ½ D(p₁, stopgrad(z₂)) + ½ D(p₂, stopgrad(z₁)),   D = −cos
 *
 * Each view passes through the network alone, with batch statistics of its own. The predictor's learning rate stays where it is while
 * that of the rest falls. Defaults are those of small images: lightly's projector of two layers, and a learning rate that is not
 * scaled with the batch. The paper's ImageNet recipe is --projector-depth 3 --lr 0.05 --weight-decay 1e-4 --epochs 100.
 */
export const simsiam = defineMethod({
  name: 'simsiam',
  about: 'one view’s embedding predicts the other’s, which counts as a constant; no negatives, no teacher',
  paper: 'Chen & He, 2021, arXiv 2011.10566',
  meanOverImages: true,
  options: {
    embeddingDim: count(1).max(8192).default(2048).describe('size of the embedding z'),
    projectorDepth: count(1)
      .max(4)
      .default(2)
      .describe('number of linear layers in the projector, each with batch norm'),
    projectorWidth: count(1).max(8192).default(2048).describe('width of its hidden layers'),
    predictorWidth: count(1).max(8192).default(512).describe('width of the predictor’s hidden layer'),
    constantPredictorLr: z
      .boolean()
      .default(true)
      .describe('the predictor’s learning rate does not follow the schedule'),
    predictorLrFactor: positive().default(1).describe('the predictor’s learning rate as a multiple of the others’'),
  },
  recipe: {
    ...{ optimizer: 'sgd', nesterov: false, lr: 0.06, weightDecay: 5e-4, schedule: 'cosine', epochs: 200 },
    cropMin: 0.2,
  },
  // A run of few steps only learns under a decay that is felt within these; a fast predictor keeps z from few directions.
  short: {
    ...{ weightDecay: 2e-3, predictorLrFactor: 10, blur: 0 },
    ...{ embeddingDim: 256, projectorWidth: 256, predictorWidth: 64 },
  },

  views(settings) {
    const view = { count: 1, size: settings.imageSize, augmentation: augmentationConfig(settings) };
    return [view, view];
  },

  create(settings, { training }) {
    const { embeddingDim, projectorDepth, projectorWidth, predictorWidth, seed } = settings;
    const { constantPredictorLr, predictorLrFactor } = settings;
    const f = makeEncoder(settings);
    const hidden = new Array<number>(projectorDepth - 1).fill(projectorWidth);
    const g = mlp({
      ...{ name: 'projector', widths: [f.dimensions, ...hidden, embeddingDim], seed },
      ...{ batchNorm: 'output-plain', hiddenBias: false, outputBias: false },
    });
    const h = mlp({
      ...{ name: 'predictor', widths: [embeddingDim, predictorWidth, embeddingDim], seed },
      ...{ batchNorm: 'hidden', hiddenBias: false },
    });
    return {
      encoder: f,
      groups: [
        {
          name: 'main',
          modules: [f, g, h],
          parts: [
            { modules: [h], lr: (scheduled) => predictorLrFactor * (constantPredictorLr ? settings.lr : scheduled) },
          ],
        },
      ],
      step(views) {
        const [z1, z2] = views.map((view) => g.forward(f.forward(view, training), training));
        const [p1, p2] = [z1, z2].map((rows) => h.forward(rows, training));
        const both = add(negativeCosine(p1, z2), negativeCosine(p2, z1));
        return { losses: [['main', () => mul(both, 0.5)]], log: { embeddingStd: columnStd(l2Normalize(z1)) } };
      },
      metrics: { embeddingStd: embeddingStd(embeddingDim) },
      figures: [
        { kind: 'similarity', embed: (views) => g.forward(f.forward(views, { training: false }), { training: false }) },
      ],
    };
  },
});
