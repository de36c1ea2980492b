import { z } from 'zod';
import { ntXent } from '../losses/nt_xent.ts';
import { projectionHead } from '../nn/projection_head.ts';
import { ResNet } from '../nn/resnet.ts';
import { columnStd } from '../ops/column_std.ts';
import { defineMethod, splitStep } from '../ssl/method.ts';
import { accuracy, embeddingStd } from '../ssl/metrics.ts';
import { mixedPairs, mixFirstViews } from '../ssl/mixed_pairs.ts';
import { mixingOptions } from '../ssl/mixing.ts';
import { augmentationConfig, count, positive } from '../ssl/settings.ts';

/**
 * SimCLR (Chen et al., 2020). An encoder f and a projection head g: h = f(x) is what is kept, z = g(h) what the loss sees. Two random
 * views of each image pull each other's z close, and push those of all other images in the batch away:
 *
 *   for x̃ in two views of N images:  z = g(f(x̃));  loss = NT-Xent(z, τ)
 *
 * The defaults are those of the published experiment on STL-10; depth and width of the head are not given there. With --mix, the first
 * views are mixed with one another and look for their images among the second ones (i-Mix; Lee et al., 2021).
 */
export const simclr = defineMethod({
  name: 'simclr',
  about: 'two views of an image attract each other, and repel those of all other images in the batch',
  paper: 'Chen et al., 2020, arXiv 2002.05709',
  microBatches: true,
  options: {
    temperature: positive().default(0.07).describe('temperature τ of NT-Xent'),
    embeddingDim: count(1).max(8192).default(128).describe('size of the embedding z'),
    headDepth: count(1).max(4).default(2).describe('number of linear layers in the projection head'),
    headWidth: count(1).max(8192).default(512).describe('width of its hidden layers'),
    headBatchNorm: z.boolean().default(false).describe('batch norm after its hidden layers'),
    ...mixingOptions,
  },
  recipe: {},
  short: { temperature: 0.2 },

  views: (settings) => [{ count: 2, size: settings.imageSize, augmentation: augmentationConfig(settings) }],

  create(settings, { training, batchSize }) {
    const { temperature, embeddingDim, headDepth: depth, headWidth: width, headBatchNorm: batchNorm, seed } = settings;
    const f = new ResNet(settings);
    const g = projectionHead({ depth, width, batchNorm, inputs: f.dimensions, outputs: embeddingDim, seed });
    const mixes = settings.mix !== 'none';
    const candidates = mixes ? batchSize : 2 * batchSize - 1;
    return {
      encoder: f,
      groups: [{ name: 'main', modules: [f, g] }],
      ...splitStep(
        {
          embed: ([views], feeds, mode) => g.forward(f.forward(mixFirstViews(views, feeds, settings), mode), mode),
          compare(z, feeds) {
            const { loss, accuracy, unit } = mixes ? mixedPairs(z, feeds, settings) : ntXent(z, { temperature });
            return { loss, log: { accuracy, embeddingStd: columnStd(unit) } };
          },
        },
        training,
      ),
      metrics: { accuracy, embeddingStd: embeddingStd(embeddingDim) },
      chance: {
        loss: Math.log(candidates),
        formula: mixes ? 'log N' : 'log(2N−1)',
        accuracy: 1 / candidates,
        note: `a view’s pair among ${candidates} ${mixes ? 'views' : 'others'}`,
        meaning: 'the model does not distinguish views of one image from those of others',
      },
      discriminatesImages: true,
      figures: [
        { kind: 'similarity', embed: (views) => g.forward(f.forward(views, { training: false }), { training: false }) },
      ],
    };
  },
});
