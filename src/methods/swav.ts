import { z } from 'zod';
import type { Tensor } from '../graph/tensor.ts';
import { crossViewEntropy } from '../losses/cross_view.ts';
import { sinkhorn } from '../losses/sinkhorn.ts';
import { makeEncoder } from '../nn/encoders.ts';
import { mlp } from '../nn/mlp.ts';
import { Prototypes } from '../nn/prototypes.ts';
import { add } from '../ops/add.ts';
import { div, mul, sub } from '../ops/binary.ts';
import { columnStd } from '../ops/column_std.ts';
import { detach } from '../ops/detach.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { concat, slice } from '../ops/strided_copy.ts';
import type { Feeds, StepTime } from '../ssl/feeds.ts';
import { FrozenStart } from '../ssl/frozen_start.ts';
import { defineMethod } from '../ssl/method.ts';
import { embeddingStd } from '../ssl/metrics.ts';
import { checkLocalCrops, cropFeatures, localCrops, multiCropOptions } from '../ssl/multi_crop.ts';
import { checkQueue, Queue } from '../ssl/queue.ts';
import { augmentationConfig, count, positive } from '../ssl/settings.ts';
import { splitStep } from '../ssl/split_step.ts';

/**
 * SwAV (Caron et al., 2020). Views are assigned to K prototypes, so that every prototype has an equal share of a batch, and each view
 * predicts the assignment (code) of the others. Two views of an image are global, V − 2 are small crops, which predict only.
 *
 *   ẑ = g(f(x))/‖·‖;   S = ẑ Cᵀ, rows of C [K, D] of length one in every step
 *   Q₁, Q₂ = Sinkhorn(S₁/ε), Sinkhorn(S₂/ε), constant
 *   loss = mean over i ∈ {1, 2} and all views v ≠ i of −Σ_k Q_i log softmax(S_v/τ)
 *
 * A batch smaller than K cannot be shared evenly: then ẑ of the last images stand in a queue, are scored with today's C and share the
 * prototypes too. They do from the first step on that is in --queue-epoch or later and finds the queue full; the queue is filled from
 * step 1 on, where the paper begins to fill it in that epoch. C has no gradient in the first epoch (313 or 5,005 steps of ImageNet).
 * Crops of one size pass through f together, all through g. Defaults are lightly's for small images, with solo-learn's crops; the
 * paper's on ImageNet are LARS 4.8 at 4,096 images, --prototypes 3000, crops of (0.14, 1) and (0.05, 0.14) of an image.
 */
export const swav = defineMethod({
  name: 'swav',
  about:
    'views predict each other’s assignment to prototypes that share a batch evenly; many small crops, no negatives',
  paper: 'Caron et al., 2020, arXiv 2006.09882',
  microBatches: true,
  options: {
    temperature: positive().default(0.1).describe('temperature τ of the predictions'),
    epsilon: positive()
      .default(0.05)
      .describe('ε of Sinkhorn’s codes: the smaller, the harder; smaller where the loss stays at log K'),
    sinkhornIterations: count(1).max(100).default(3).describe('rounds of Sinkhorn’s normalisation'),
    prototypes: count(2).max(65536).default(512).describe('number of prototypes (K)'),
    frozenEpochs: z.number().min(0).default(1).describe('first epochs, in which prototypes stay as they are'),
    queueSize: count(0)
      .max(2 ** 20)
      .default(3840)
      .describe('images whose embeddings share the prototypes with the batch, a multiple of the batch; 0: none'),
    queueEpoch: count(0).default(15).describe('epoch from which on they do, counted from 0'),
    embeddingDim: count(1).max(8192).default(128).describe('size of the embedding z'),
    headWidth: count(1).max(8192).default(2048).describe('width of the hidden layer of the projection head'),
    ...multiCropOptions(0.08, 0.5),
  },
  recipe: { optimizer: 'adam', lr: 2e-3, weightDecay: 1e-6, schedule: 'cosine', epochs: 200, cropMin: 0.2 },
  // Embeddings of an encoder that has learnt little are much alike: at an ε of 0.05 their codes are near uniform, and stay so for long.
  short: {
    ...{ epsilon: 0.02, prototypes: 64, embeddingDim: 64, headWidth: 256, localCrops: 2, blur: 0 },
    ...{ queueSize: 0, frozenEpochs: 0.1 },
  },
  check(settings, name) {
    checkLocalCrops(settings, name);
    checkQueue(settings.queueSize, settings.batchSize, name('queueSize'));
  },

  views: (settings) => [
    { count: 2, size: settings.imageSize, augmentation: augmentationConfig(settings) },
    ...localCrops(settings),
  ],

  create(settings, { training, batchSize: images }) {
    const { temperature, epsilon, sinkhornIterations: iterations, embeddingDim, headWidth, seed } = settings;
    const { prototypes: K, queueSize, queueEpoch } = settings;
    const f = makeEncoder(settings);
    const widths = [f.dimensions, headWidth, embeddingDim];
    const g = mlp({ name: 'projector', widths, batchNorm: 'hidden', seed });
    const C = new Prototypes('prototypes', embeddingDim, K, seed);
    const start = new FrozenStart(settings.frozenEpochs);
    // ẑ of an image's first view and of its second side by side: each view has a queue of its own.
    const queue = queueSize
      ? new Queue({ size: queueSize, dimensions: 2 * embeddingDim, seed, pushed: images })
      : undefined;
    const ofView = (rows: Tensor, view: number) => slice(rows, 0, view * images, (view + 1) * images);
    // ẑ and its scores side by side: C is trained with the network, whatever goes through that at once.
    const embeddingOf = (rows: Tensor) => slice(rows, 1, 0, embeddingDim);
    const queued = (view: number) => slice(queue!.rows, 1, view * embeddingDim, (view + 1) * embeddingDim);
    const codes = (scores: Tensor) => sinkhorn(scores, { epsilon, iterations });
    const isUsed = ({ epoch, step }: StepTime) => (epoch >= queueEpoch && (step - 1) * images >= queueSize ? 1 : 0);
    /** Codes of the scores of the global views, [2 · N, K]. */
    const codesOf = (own: readonly Tensor[], feeds: Feeds): Tensor => {
      const alone = own.map(codes);
      if (!queue) return concat(alone, 0);
      const used = feeds.scalar('the queue is used', isUsed);
      const withQueue = own.map((rows, view) => {
        const all = codes(concat([C.forward(queued(view), training), rows], 0));
        return add(mul(slice(all, 0, queueSize), used), mul(alone[view], sub(1, used)));
      });
      return concat(withQueue, 0);
    };
    return {
      encoder: f,
      groups: [{ name: 'main', modules: [f, g, C], parts: [start.part([C], () => settings.weightDecay)] }],
      ...(queue && { kept: { queue: queue.rows } }),
      ...splitStep(
        {
          embed(views, feeds, mode) {
            const z = l2Normalize(g.forward(cropFeatures(f, views, mode), mode));
            return concat([z, C.forward(z, mode, start.open(feeds))], 1);
          },
          compare(rows, feeds) {
            const scores = slice(rows, 1, embeddingDim);
            const q = codesOf(
              [0, 1].map((view) => ofView(scores, view)),
              feeds,
            );
            return {
              loss: crossViewEntropy(div(scores, temperature), q),
              log: { embeddingStd: columnStd(embeddingOf(ofView(rows, 0))) },
            };
          },
          after(rows, feeds, made) {
            C.normalize(made);
            const both = [0, 1].map((view) => embeddingOf(ofView(rows, view)));
            queue?.push(detach(concat(both, 1)), feeds, made);
          },
        },
        training,
      ),
      metrics: { embeddingStd: embeddingStd(embeddingDim) },
      chance: {
        loss: Math.log(K),
        formula: 'log K',
        meaning: 'the model assigns every view to all prototypes alike',
        remedy: 'make codes harder with a smaller --epsilon (0.02), or take fewer --prototypes',
        patience: Math.ceil(settings.frozenEpochs),
      },
      figures: [
        { kind: 'similarity', embed: (views) => g.forward(f.forward(views, { training: false }), { training: false }) },
      ],
    };
  },
});
