import { z } from 'zod';
import { UserError } from '../errors.ts';
import { sameAs } from '../losses/masks.ts';
import { falseNegativeCancellation } from '../losses/positive_sets.ts';
import { makeEncoder } from '../nn/encoders.ts';
import { projectionHead } from '../nn/projection_head.ts';
import { div, maximum, mul } from '../ops/binary.ts';
import { columnStd } from '../ops/column_std.ts';
import { detach } from '../ops/detach.ts';
import { mean, sum } from '../ops/reduce.ts';
import { concat, slice } from '../ops/strided_copy.ts';
import { defineMethod } from '../ssl/method.ts';
import { accuracy, embeddingStd } from '../ssl/metrics.ts';
import { augmentationConfig, count, positive } from '../ssl/settings.ts';
import { splitStep } from '../ssl/split_step.ts';

/**
 * False-negative cancellation (Huynh et al., 2022): SimCLR in which some views of other images are not pushed away. Beside the two views of an
 * image that are compared there are further ones, its support; a view of another image that is like one of these is taken for one of the same
 * kind, a false negative F:
 *
 *   z = g(f(x̃)) of two views, ŝ = stopgrad(g(f(x̃'))) of S more;   score of view k for image i = max_v ŝ_vi · ẑ_k
 *   F(i) = the k of the largest scores, of those above a threshold
 *   eliminate: F(i) is left out of NT-Xent's sum;   attract: F(i) are positives, as the other view is
 *
 * Both views of an image share F. The support passes alone, with statistics of its own, and no gradient. As embeddings look alike before
 * anything is learnt, `--cancel-after` lets epochs of plain SimCLR go first, which the paper does not. Defaults are the paper's on
 * ImageNet but for encoder, head and length, which are those of simclr.
 */
export const fncancel = defineMethod({
  name: 'fncancel',
  about:
    'SimCLR in which views of other images that are like further views of an image are positives, or no negatives, of it',
  paper: 'Huynh et al., 2022, arXiv 2011.11765',
  microBatches: true,
  options: {
    temperature: positive().default(0.1).describe('temperature τ of the softmax over views'),
    supportViews: count(1)
      .max(32)
      .default(8)
      .describe('further views of each image, S, by which false negatives are found'),
    cancel: z
      .enum(['attract', 'eliminate'])
      .default('attract')
      .describe('whether false negatives become positives, or are left out'),
    topK: count(1).max(4096).default(10).describe('most views that count as false negatives of an image (k)'),
    threshold: z.number().min(-1).max(1).default(0.7).describe('score, a cosine, above which they do'),
    aggregate: z
      .enum(['max', 'mean'])
      .default('max')
      .describe('the score of a view: its largest cosine with the support, or the mean'),
    cancelAfter: count(0).default(0).describe('epochs of plain SimCLR before there are false negatives'),
    embeddingDim: count(1).max(8192).default(128).describe('size of the embedding z'),
    headDepth: count(1).max(4).default(2).describe('number of linear layers in the projection head'),
    headWidth: count(1).max(8192).default(512).describe('width of its hidden layers'),
    headBatchNorm: z.boolean().default(false).describe('batch norm after its hidden layers'),
  },
  recipe: {},
  short: { temperature: 0.2, supportViews: 2, topK: 2, cancelAfter: 2 },
  check({ topK, batchSize, cancel }, name) {
    const others = 2 * batchSize - 2;
    if (cancel === 'attract' || topK < others) return;
    const all = `${name('topK')} (${topK}) leaves no negatives of the ${others} that ${name('batchSize')} ${batchSize} has`;
    throw new UserError(`${all}; use fewer than ${others}`, 2);
  },

  views(settings) {
    const view = { size: settings.imageSize, augmentation: augmentationConfig(settings) };
    return [
      { count: 2, ...view },
      { count: settings.supportViews, ...view },
    ];
  },

  create(settings, { training, batchSize, images }) {
    const { embeddingDim, headDepth: depth, headWidth: width, headBatchNorm: batchNorm, seed } = settings;
    const { temperature, topK, threshold, aggregate, cancel, cancelAfter } = settings;
    const f = makeEncoder(settings);
    const g = projectionHead({ depth, width, batchNorm, inputs: f.dimensions, outputs: embeddingDim, seed });
    const others = 2 * batchSize - 1;
    const candidates = cancel === 'attract' ? others : others - topK;
    return {
      encoder: f,
      groups: [{ name: 'main', modules: [f, g] }],
      ...splitStep(
        {
          embed(views, _feeds, mode) {
            const [two, support] = views.map((view) => g.forward(f.forward(view, mode), mode));
            return concat([two, detach(support)], 0);
          },
          compare(z, feeds) {
            const [two, support] = [slice(z, 0, 0, 2 * batchSize), slice(z, 0, 2 * batchSize)];
            const most = feeds.scalar('false negatives', ({ epoch }) => (epoch < cancelAfter ? 0 : topK));
            const options = { temperature, topK: most, threshold, aggregate, cancel };
            const { loss, accuracy, unit, falseNegatives } = falseNegativeCancellation(two, support, options);
            const found = sum(falseNegatives);
            const log = { accuracy, embeddingStd: columnStd(unit), falseNegatives: mean(sum(falseNegatives, 1)) };
            if (images.classes === 0) return { loss, log };
            const right = sum(mul(falseNegatives, sameAs(feeds.labels(2))));
            return { loss, log: { ...log, falseNegativesRight: div(right, maximum(found, 1)) } };
          },
        },
        training,
      ),
      metrics: {
        accuracy,
        embeddingStd: embeddingStd(embeddingDim),
        falseNegatives: { label: 'FN', format: 'number', epoch: 'mean', note: 'false negatives found for a view' },
        falseNegativesRight: { label: 'right', format: 'percent', epoch: 'mean' },
      },
      chance: {
        loss: Math.log(candidates),
        formula: cancel === 'attract' ? 'log(2N−1)' : 'log(2N−1−k)',
        accuracy: 1 / others,
        note: `a view’s pair among ${others} others`,
        meaning: 'the model does not distinguish views of one image from those of others',
      },
      discriminatesImages: true,
      figures: [
        { kind: 'similarity', embed: (views) => g.forward(f.forward(views, { training: false }), { training: false }) },
      ],
    };
  },
});
