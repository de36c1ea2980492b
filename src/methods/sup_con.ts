import { z } from 'zod';
import { supCon as supConLoss } from '../losses/sup_con.ts';
import { makeEncoder } from '../nn/encoders.ts';
import { projectionHead } from '../nn/projection_head.ts';
import { columnStd } from '../ops/column_std.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { defineMethod } from '../ssl/method.ts';
import { embeddingStd } from '../ssl/metrics.ts';
import { augmentationConfig, count, positive } from '../ssl/settings.ts';
import { splitStep } from '../ssl/split_step.ts';

/**
 * SupCon (Khosla et al., 2020): SimCLR with labels. Two random views of each image, as there; but the positives of a view are all views
 * of all images of its class.
 *
 *   for x̃ in two views of N images with labels y:  z = g(f(x̃))
 *   loss = mean_i −1/|P(i)| Σ_{p∈P(i)} log( exp(ẑ_i · ẑ_p / τ) / Σ_{k≠i} exp(ẑ_i · ẑ_k / τ) ),   P(i): the others with i's label
 *
 * The loss is multiplied by τ/0.07 in the authors' code, and not here, as in their paper. Defaults are theirs for CIFAR, with the rate
 * of a batch of 256 in place of 1,024. The encoder is to be judged by `eval linear` or `eval finetune`, on the same labels.
 */
export const supCon = defineMethod({
  name: 'supcon',
  about: 'views of images of one class attract each other, and repel those of other classes; learns from labels',
  paper: 'Khosla et al., 2020, arXiv 2004.11362',
  needsLabels: true,
  microBatches: true,
  options: {
    temperature: positive().default(0.1).describe('temperature τ of the softmax'),
    embeddingDim: count(1).max(8192).default(128).describe('size of the embedding z'),
    headDepth: count(1).max(4).default(2).describe('number of linear layers in the projection head'),
    headWidth: count(1).max(8192).default(512).describe('width of its hidden layers'),
    headBatchNorm: z.boolean().default(false).describe('batch norm after its hidden layers'),
  },
  recipe: {
    ...{ split: 'train', optimizer: 'sgd', nesterov: false, lr: 0.125, weightDecay: 1e-4, schedule: 'cosine' },
    ...{ epochs: 1000, cropMin: 0.2, blur: 0 },
  },
  // A loss of many positives moves little at first: at 1e-3, without batch norm, its features are no better than SimCLR's after a few
  // hundred steps.
  short: { optimizer: 'adam', lr: 3e-3, headBatchNorm: true },

  views: (settings) => [{ count: 2, size: settings.imageSize, augmentation: augmentationConfig(settings) }],

  create(settings, { training, batchSize }) {
    const { temperature, embeddingDim, headDepth: depth, headWidth: width, headBatchNorm: batchNorm, seed } = settings;
    const f = makeEncoder(settings);
    const g = projectionHead({ depth, width, batchNorm, inputs: f.dimensions, outputs: embeddingDim, seed });
    return {
      encoder: f,
      groups: [{ name: 'main', modules: [f, g] }],
      ...splitStep(
        {
          embed: ([views], _feeds, mode) => g.forward(f.forward(views, mode), mode),
          compare: (rows, feeds) => ({
            loss: supConLoss(rows, feeds.labels(2), { temperature }),
            log: { embeddingStd: columnStd(l2Normalize(rows)) },
          }),
        },
        training,
      ),
      metrics: { embeddingStd: embeddingStd(embeddingDim) },
      chance: {
        loss: Math.log(2 * batchSize - 1),
        formula: 'log(2N−1)',
        meaning: 'the model does not distinguish the classes',
        patience: 10,
      },
      figures: [
        { kind: 'similarity', embed: (views) => g.forward(f.forward(views, { training: false }), { training: false }) },
      ],
    };
  },
});
