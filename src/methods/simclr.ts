import { z } from 'zod';
import { UserError } from '../errors.ts';
import { makeEncoder } from '../nn/encoders.ts';
import { projectionHead } from '../nn/projection_head.ts';
import { columnStd } from '../ops/column_std.ts';
import { checkContrastive, contrast, contrastiveLosses, contrastiveOptions } from '../ssl/contrastive.ts';
import { defineMethod } from '../ssl/method.ts';
import { embeddingStd } from '../ssl/metrics.ts';
import { checkMixedPairs, contrastMixed, mixFirstViews } from '../ssl/mixed_pairs.ts';
import { mixingOptions } from '../ssl/mixing.ts';
import { augmentationConfig, count, positive } from '../ssl/settings.ts';
import { splitStep } from '../ssl/split_step.ts';

/**
 * SimCLR (Chen et al., 2020). An encoder f and a projection head g: h = f(x) is what is kept, z = g(h) what the loss sees. Two random
 * views of each image pull each other's z close, and push those of all other images in the batch away:
 *
 *   for x̃ in two views of N images:  z = g(f(x̃));  loss = NT-Xent(z, τ)
 *
 * Instead of NT-Xent, `--loss` takes another loss of src/ssl/contrastive.ts, as the sources compare them; with `--positives` the most similar
 * views of other images are positives too. With `--mix`, the first views are mixed with one another and look for their images among the second
 * ones (i-Mix; Lee et al., 2021).
 *
 * SimCLR v2 (Chen et al., 2020b, arXiv 2006.10029, §3) has a deeper and wider head with batch norm behind every layer, without a bias
 * behind the last, and fine-tunes from a middle layer of it, the first, instead of from h:
 *
 *   g(h) = W³ σ(W² σ(W¹ h)),   f_task(x) = W_task σ(W¹ f(x))
 *
 * That is `--head-depth 3 --head-batch-norm --head-output-batch-norm --head-width` as wide as h (512; 2,048 of a ResNet-50), and
 * `eval finetune --from-head-layer 1`. Linear layers before a batch norm keep their bias here, which it takes away again.
 *
 * The defaults are those of the published experiment on STL-10; depth and width of the head are not given there.
 */
export const simclr = defineMethod({
  name: 'simclr',
  about: 'two views of an image attract each other, and repel those of all other images in the batch',
  paper: 'Chen et al., 2020, arXiv 2002.05709',
  microBatches: true,
  options: {
    temperature: positive().default(0.07).describe('temperature τ of the softmax over views'),
    embeddingDim: count(1).max(8192).default(128).describe('size of the embedding z'),
    headDepth: count(1).max(4).default(2).describe('number of linear layers in the projection head'),
    headWidth: count(1).max(8192).default(512).describe('width of its hidden layers'),
    headBatchNorm: z.boolean().default(false).describe('batch norm after its hidden layers'),
    headOutputBatchNorm: z.boolean().default(false).describe('batch norm after its last layer too, without a bias'),
    ...contrastiveOptions,
    ...mixingOptions,
  },
  recipe: {},
  short: { temperature: 0.2 },
  labelsFor: ({ loss }) => (contrastiveLosses[loss].needsLabels ? 'loss' : undefined),
  check(settings, name, given) {
    checkContrastive(settings, name, given);
    checkMixedPairs(settings, name);
    if (settings.headOutputBatchNorm && !settings.headBatchNorm)
      throw new UserError(`${name('headOutputBatchNorm')} is only used with ${name('headBatchNorm')}; add it`, 2);
  },

  views: (settings) => [{ count: 2, size: settings.imageSize, augmentation: augmentationConfig(settings) }],

  create(settings, { training, batchSize }) {
    const { embeddingDim, headDepth: depth, headWidth: width, seed } = settings;
    const { headBatchNorm: batchNorm, headOutputBatchNorm: outputBatchNorm } = settings;
    const f = makeEncoder(settings);
    const sizes = { depth, width, inputs: f.dimensions, outputs: embeddingDim };
    const g = projectionHead({ ...sizes, batchNorm, outputBatchNorm, seed });
    const { compare, metrics, ...contrasted } = (settings.mix === 'none' ? contrast : contrastMixed)(settings, {
      batchSize,
    });
    return {
      encoder: f,
      groups: [{ name: 'main', modules: [f, g] }],
      ...splitStep(
        {
          embed: ([views], feeds, mode) => g.forward(f.forward(mixFirstViews(views, feeds, settings), mode), mode),
          compare(z, feeds) {
            const { loss, unit, log } = compare(z, feeds);
            return { loss, log: { ...log, embeddingStd: columnStd(unit) } };
          },
        },
        training,
      ),
      metrics: { ...metrics, embeddingStd: embeddingStd(embeddingDim) },
      ...contrasted, // what guessing gives, and whether images are told apart
      figures: [
        { kind: 'similarity', embed: (views) => g.forward(f.forward(views, { training: false }), { training: false }) },
      ],
    };
  },
});
