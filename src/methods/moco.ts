import { z } from 'zod';
import { UserError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Naming } from '../io/checked.ts';
import { iMix } from '../losses/i_mix.ts';
import { infoNce } from '../losses/info_nce.ts';
import { makeEncoder } from '../nn/encoders.ts';
import { mlp } from '../nn/mlp.ts';
import type { Mode } from '../nn/module.ts';
import { add } from '../ops/add.ts';
import { mul } from '../ops/binary.ts';
import { columnStd } from '../ops/column_std.ts';
import { detach } from '../ops/detach.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { concat, slice } from '../ops/strided_copy.ts';
import { dealRows, gatherDealt } from '../ssl/deal.ts';
import type { Feeds } from '../ssl/feeds.ts';
import { type Build, defineMethod, type Learner, type Settings, type ViewGroup } from '../ssl/method.ts';
import { accuracy, embeddingStd } from '../ssl/metrics.ts';
import { mixingOptions, mixPartners, mixShare, mixViews } from '../ssl/mixing.ts';
import { checkQueue, Queue } from '../ssl/queue.ts';
import { augmentationConfig, count, positive, type SharedSettings, share } from '../ssl/settings.ts';
import { pieceOf } from '../ssl/shares.ts';
import { splitStep } from '../ssl/split_step.ts';
import { momentumSchedule, stillOf, Teacher } from '../ssl/teacher.ts';

const options = {
  temperature: positive().default(0.2).describe('temperature τ of the softmax over keys'),
  embeddingDim: count(1).max(8192).default(128).describe('size of the embeddings q and k'),
  queueSize: count(2)
    .max(2 ** 20)
    .default(4096)
    .describe('keys in the queue (K), a multiple of the batch'),
  emaMomentum: share().default(0.99).describe('momentum m of the key encoder in the first step'),
  emaMomentumEnd: share().default(0.99).describe('its value after the last step, reached by half a cosine'),
  symmetric: z.boolean().default(false).describe('both views are queries and keys; the loss is the mean'),
  batchNormSplits: count(1)
    .max(256)
    .default(8)
    .describe(
      'parts of a batch that batch norm normalises alone, other ones for keys than for queries (as on 8 GPUs); of a micro-batch, or of what one of several processes has, where there are such',
    ),
  ...mixingOptions,
};

type MocoSettings = Settings<typeof options> & { readonly headWidth?: number };

/** Two views of each image, drawn alike. */
function twoViews(settings: SharedSettings, grayscaleFirst: boolean): readonly ViewGroup[] {
  const augmentation = { ...augmentationConfig(settings), grayscaleFirst };
  const view = { count: 1, size: settings.imageSize, augmentation };
  return [view, view];
}

/** Keys that a step adds to the queue. */
const pushedKeys = ({ symmetric, batchSize }: MocoSettings): number => (symmetric ? 2 : 1) * batchSize;

function check(settings: MocoSettings, name: Naming): void {
  const { queueSize, batchNormSplits: splits, batchSize, syncBatchNorm } = settings;
  checkQueue(queueSize, pushedKeys(settings), name('queueSize'));
  if (syncBatchNorm) {
    const both = `${name('syncBatchNorm')}: statistics of all processes tell which key belongs to which query`;
    throw new UserError(`${both}; omit it, ${name('batchNormSplits')} says which images have statistics together`, 2);
  }
  const piece = pieceOf(settings);
  if (piece % splits === 0 && piece >= 2 * splits) return;
  const whole = `${name('batchSize')} (${batchSize})`;
  const images = piece === batchSize ? whole : `the ${piece} images of ${whole} that pass at once`;
  const all = `${name('batchNormSplits')} (${splits}) must divide ${images}`;
  throw new UserError(`${all} into parts of 2 images or more, which batch norm normalises alone`, 2);
}

/**
 * MoCo (He et al., 2020). Queries of one network look for their keys, of its slow average, among the keys of the last K images:
 *
 *   θ' ← m θ' + (1 − m) θ;   q = g(f(x₁)), k = stopgrad(g'(f'(x₂))), both of length one
 *   loss = −mean log( exp(q·k/τ) / (exp(q·k/τ) + Σ_queue exp(q·k⁻/τ)) );   then k takes the place of the oldest keys in the queue
 *
 * Where queries and keys are normalised by statistics of one batch, these give away which key belongs to which query, and the loss
 * falls without anything being learnt. So batch norm sees parts of the batch, and a part of the keys is dealt from all parts of the queries;
 * in micro-batches, and on several processes, both is so within what passes at once.
 * With --mix, queries are of mixed views, and look for both of their images among the keys of the batch and the queue (i-Mix).
 */
function mocoLearner(settings: MocoSettings, { training, batchSize: N }: Build): Learner {
  const { temperature, embeddingDim, queueSize, symmetric, batchNormSplits, headWidth, mix, seed } = settings;
  const [f, keyEncoder] = [makeEncoder(settings), makeEncoder(stillOf(settings), 'key')];
  const head = (network = '') =>
    mlp({
      ...{ name: 'projector', network, seed },
      widths: [f.dimensions, ...(headWidth === undefined ? [] : [headWidth]), embeddingDim],
    });
  const [g, keyHead] = [head(), head('key')];
  const teacher = new Teacher([keyEncoder, keyHead], [f, g]);
  const queue = new Queue({ size: queueSize, dimensions: embeddingDim, seed, pushed: pushedKeys(settings) });
  const inSplits = (mode: Mode): Mode => ({ ...mode, batchSplits: batchNormSplits });
  const queries = (view: Tensor, feeds: Feeds, which: number, mode: Mode) => {
    const x = mix === 'none' ? view : mixViews(view, feeds, settings, which);
    return l2Normalize(g.forward(f.forward(x, mode), mode));
  };
  const keys = (view: Tensor, mode: Mode) => {
    const dealt = dealRows(view, batchNormSplits);
    return l2Normalize(gatherDealt(keyHead.forward(keyEncoder.forward(dealt, mode), mode), batchNormSplits));
  };
  const compared = (q: Tensor, k: Tensor, feeds: Feeds, which: number) => {
    const rows = { queue: detach(queue.rows), temperature };
    if (mix === 'none') return infoNce(q, k, { ...rows, own: N });
    const share = mixShare(feeds, settings, settings.imageSize, which);
    return iMix(q, k, { ...rows, share, partner: mixPartners(N, pieceOf(settings)) });
  };
  const directions = symmetric ? 2 : 1;
  const candidates = (mix === 'none' ? 1 : N) + queueSize;
  return {
    encoder: f,
    groups: [{ name: 'main', modules: [f, g] }],
    kept: { key: teacher, queue: queue.rows },
    // z: queries of the first view and with --symmetric of the second, then the keys of as many, the last of the second.
    ...splitStep(
      {
        before: (feeds) => teacher.follow(feeds, momentumSchedule(settings.emaMomentum, settings.emaMomentumEnd)),
        embed(views, feeds, mode) {
          const asked = views.slice(0, directions).map((view, i) => queries(view, feeds, i, inSplits(mode)));
          return concat(asked, 0);
        },
        targets(views, _, mode) {
          const found = views.slice(-directions).map((view) => keys(view, inSplits(mode)));
          return concat(found, 0);
        },
        compare(z, feeds) {
          const part = (i: number) => slice(z, 0, i * N, (i + 1) * N);
          const keysOf = (view: number) => detach(part(2 * directions - 1 - view));
          const one = compared(part(0), keysOf(0), feeds, 0);
          const log = { accuracy: one.accuracy, embeddingStd: columnStd(part(0)) };
          if (!symmetric) return { loss: one.loss, log };
          return { loss: mul(add(one.loss, compared(part(1), keysOf(1), feeds, 1).loss), 0.5), log };
        },
        after: (z, feeds, made) => queue.push(slice(z, 0, directions * N), feeds, made),
      },
      training,
    ),
    metrics: { accuracy, embeddingStd: embeddingStd(embeddingDim) },
    chance: {
      loss: Math.log(candidates),
      formula: mix === 'none' ? 'log(1+K)' : 'log(N+K)',
      accuracy: 1 / candidates,
      note: `a query’s key among ${queueSize} of the queue`,
      meaning: 'the model does not distinguish views of one image from those of others',
    },
    discriminatesImages: true,
    figures: [
      { kind: 'similarity', embed: (views) => g.forward(f.forward(views, { training: false }), { training: false }) },
    ],
  };
}

/**
 * MoCo v2 (Chen et al., 2020): a hidden layer in the head, blur, a cosine schedule, τ = 0.2. Learning rate, decay, m and K are lightly's for small
 * images, which has τ = 0.1 and --symmetric besides; the paper's on ImageNet are --lr 0.03 --weight-decay 1e-4 --ema-momentum 0.999
 * --ema-momentum-end 0.999 --queue-size 65536 --head-width 2048.
 */
export const moco = defineMethod({
  name: 'moco',
  aliases: ['moco-v2'],
  about: 'MoCo v2: queries look for the key of the other view among a queue of keys of a slow average of the network',
  paper: 'Chen et al., 2020, arXiv 2003.04297',
  microBatches: true,
  options: {
    ...options,
    headWidth: count(1).max(8192).default(512).describe('width of the hidden layer of the projection head'),
  },
  recipe: {
    ...{ optimizer: 'sgd', nesterov: false, lr: 0.12, weightDecay: 5e-4, schedule: 'cosine', epochs: 200 },
    cropMin: 0.2,
  },
  // In a short run a longer queue has keys of networks that are no more: telling them from today's is easier than telling images apart.
  short: { optimizer: 'adam', lr: 1e-3, weightDecay: 1e-4, queueSize: 256, batchNormSplits: 4, blur: 0 },
  check,
  views: (settings) => twoViews(settings, false),
  create: mocoLearner,
});

/**
 * MoCo v1 with the recipe of its paper: a linear head, τ = 0.07, greyscale before a jitter that is always drawn, no blur; but for m and K, which
 * are those of small images (the paper's: --ema-momentum 0.999 --ema-momentum-end 0.999 --queue-size 65536).
 */
export const mocoV1 = defineMethod({
  name: 'moco-v1',
  about: 'MoCo v1: as moco, with a linear head and the learning rate in steps',
  paper: 'He et al., 2020, arXiv 1911.05722',
  microBatches: true,
  options: { ...options, temperature: positive().default(0.07).describe('temperature τ of the softmax over keys') },
  recipe: {
    ...{ optimizer: 'sgd', nesterov: false, lr: 0.03, weightDecay: 1e-4, schedule: 'step', epochs: 200 },
    ...{ cropMin: 0.2, jitter: 1, jitterHue: 4, blur: 0 },
  },
  short: { ...{ optimizer: 'adam', lr: 1e-3, jitterHue: 1 }, temperature: 0.2, queueSize: 256, batchNormSplits: 4 },
  check,
  views: (settings) => twoViews(settings, true),
  create: mocoLearner,
});
