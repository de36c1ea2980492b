import { z } from 'zod';
import { UserError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Naming } from '../io/checked.ts';
import { type Agreement, agreement, countComponents } from '../losses/components.ts';
import { ntXent } from '../losses/nt_xent.ts';
import { infoNceOfCrops, type Swap, swap, swapOfCrops } from '../losses/swap.ts';
import { makeEncoder } from '../nn/encoders.ts';
import { mlp } from '../nn/mlp.ts';
import type { Mode } from '../nn/module.ts';
import { add } from '../ops/add.ts';
import { mul } from '../ops/binary.ts';
import { columnStd } from '../ops/column_std.ts';
import { concat, slice } from '../ops/strided_copy.ts';
import type { Feeds } from '../ssl/feeds.ts';
import { defineMethod, type Metric, type Settings, type Split } from '../ssl/method.ts';
import { accuracy, embeddingStd } from '../ssl/metrics.ts';
import { nearestImages, sameImages } from '../ssl/neighbors.ts';
import { augmentationConfig, count, positive } from '../ssl/settings.ts';
import { splitStep } from '../ssl/split_step.ts';

const weight = () => z.number().min(0);

const options = {
  temperature: positive().default(0.1).describe('temperature τ of the losses of both heads'),
  embeddingDim: count(1).max(8192).default(128).describe('size of the embeddings z and v'),
  headDepth: count(1)
    .max(4)
    .default(3)
    .describe('number of linear layers in each head, batch norm after the hidden ones'),
  headWidth: count(1).max(8192).default(512).describe('width of their hidden layers'),
  nceWeight: weight().default(1).describe('weight λ of NT-Xent'),
  swapWeight: weight().default(0.5).describe('weight β of SupCon with the labels of the other view'),
  cropWeight: weight().default(0.5).describe('weight γ of both for small crops'),
  smallCrops: count(0).max(16).default(4).describe('small crops of each image; 0: none'),
  smallCropSize: count(0)
    .max(512)
    .default(0)
    .describe('height and width of a small crop, in pixels; 0: half of a view'),
  smallCropMin: positive().max(1).default(0.08).describe('smallest small crop, as a fraction of the image area'),
  smallCropMax: positive().max(1).default(0.5).describe('largest small crop, as a fraction of the image area'),
  neighbors: count(1).max(256).default(4).describe('nearest images (K) that an image’s small crops are taken from'),
  neighborWarmup: count(0).default(10).describe('first epochs, in which small crops are taken from the image itself'),
};
type WclSettings = Settings<typeof options>;

function check({ smallCropMin, smallCropMax }: WclSettings, name: Naming): void {
  if (smallCropMin <= smallCropMax) return;
  throw new UserError(
    `${name('smallCropMin')} (${smallCropMin}) must not exceed ${name('smallCropMax')} (${smallCropMax})`,
    2,
  );
}

/** What `beforeEpoch` calls the images that small crops are taken from. */
const cropTable = 'neighbors';

const purity: Metric = {
  ...{ label: 'purity', format: 'percent', epoch: 'mean' },
  note: 'share of images that are of the most frequent class in their component',
};
const shuffledPurity: Metric = {
  ...{ label: 'shuffled', format: 'percent', epoch: 'mean' },
  note: 'purity of the same components if classes were dealt at random: it rises where components get smaller',
};
const falseNegativesJoined: Metric = {
  ...{ label: 'joined', format: 'percent', epoch: 'mean' },
  note: 'share of pairs of images of one class, which SimCLR pushes apart, that are in one component',
};

/** What the labels that the batch gave itself are like, as means of both views; true classes serve for this only. */
function ofLabels(labels: Swap['labels'], feeds: Feeds, classes: number): Readonly<Record<string, Tensor>> {
  const mean = (values: readonly Tensor[]) =>
    mul(
      values.reduce((a, b) => add(a, b)),
      1 / values.length,
    );
  const number = { components: mean(labels.map(countComponents)) };
  if (classes === 0) return number;
  const truth = feeds.labels();
  const agreed = labels.map((y) => agreement(y, truth, classes));
  const over = (name: keyof Agreement) => mean(agreed.map((view) => view[name]));
  const purities = { purity: over('purity'), shuffledPurity: over('shuffledPurity') };
  return { ...number, ...purities, falseNegativesJoined: over('joined') };
}

/**
 * WCL (Zheng et al., 2021). Beside SimCLR's head g a second one, φ, learns from labels that the batch gives itself: each view's embeddings
 * are joined with their nearest neighbours, and what hangs together is a class for the other view. Images of one class, which SimCLR
 * pushes apart, so attract each other.
 *
 *   z, v = g(f(x)), φ(f(x)) of two views and of small crops x;   y¹, y² = components of the nearest-neighbour graphs of v¹, v²
 *   loss = λ NT-Xent(z¹, z²) + β (SupCon(v¹; y²) + SupCon(v²; y¹))
 *        + γ mean_m ( ½ Σ_j InfoNCE(zᵐ; zʲ) + Σ_j SupCon(vᵐ; yʲ) ),   m over small crops, j over both views
 *
 * K-NN multi-crop: after a warm-up an epoch's small crops are not of the image but of its K nearest in feature space, found with the
 * weights that the epoch begins with. The paper keeps the features of views that it meets in the epoch before; here all images pass
 * once more, whole, so that a resumed run finds the same. Its equation of the sum leaves the form of the small crops' terms open, and its
 * code has none; K, their number and the length of the warm-up are ours. The paper's heads on ImageNet are 2048 wide.
 */
export const wcl = defineMethod({
  name: 'wcl',
  about:
    'SimCLR, and a second head that learns from the nearest-neighbour graph of the other view which images belong together',
  paper: 'Zheng et al., 2021, arXiv 2110.04770',
  microBatches: true,
  options,
  recipe: {},
  short: { temperature: 0.2, smallCrops: 2, neighborWarmup: 2, cropMin: 0.2, blur: 0 },
  check,

  views(settings) {
    const { imageSize, smallCrops, smallCropSize, smallCropMin, smallCropMax, neighbors } = settings;
    const augmentation = augmentationConfig(settings);
    const large = { count: 2, size: imageSize, augmentation };
    if (smallCrops === 0) return [large];
    const size = smallCropSize || Math.ceil(imageSize / 2);
    const small = { ...augmentation, scale: [smallCropMin, smallCropMax] as const };
    return [large, { count: smallCrops, size, augmentation: small, from: { name: cropTable, columns: neighbors } }];
  },

  create(settings, { training, batchSize, images: { classes } }) {
    const { temperature, embeddingDim, headDepth, headWidth, smallCrops, neighbors, neighborWarmup, seed } = settings;
    const { nceWeight: λ, swapWeight: β, cropWeight: γ } = settings;
    const f = makeEncoder(settings);
    const widths = [f.dimensions, ...new Array<number>(headDepth - 1).fill(headWidth), embeddingDim];
    const head = (name: string) => mlp({ name, widths, batchNorm: 'hidden', hiddenBias: false, seed });
    const [g, phi] = [head('projector'), head('weak_projector')];
    const heads = (x: Tensor, mode: Mode) => {
      const h = f.forward(x, mode);
      return concat([g.forward(h, mode), phi.forward(h, mode)], 1);
    };
    const compare: Split['compare'] = (embeddings, feeds) => {
      const [z, v] = [slice(embeddings, 1, 0, embeddingDim), slice(embeddings, 1, embeddingDim)];
      const of = (rows: Tensor, first: number, last: number) => slice(rows, 0, first * batchSize, last * batchSize);
      const [z1, z2, v1, v2] = [of(z, 0, 1), of(z, 1, 2), of(v, 0, 1), of(v, 1, 2)];
      const { loss: nce, accuracy, unit } = ntXent(of(z, 0, 2), { temperature });
      const { loss: swapped, labels } = swap(v1, v2, { temperature });
      const terms = [mul(nce, λ), mul(swapped, β)];
      if (smallCrops > 0) {
        const [zs, vs] = [of(z, 2, 2 + smallCrops), of(v, 2, 2 + smallCrops)];
        const found = infoNceOfCrops(zs, [z1, z2], { temperature });
        terms.push(mul(add(found, swapOfCrops(vs, labels, { temperature })), γ));
      }
      const log = { accuracy, embeddingStd: columnStd(unit), ...ofLabels(labels, feeds, classes) };
      return { loss: terms.reduce((a, b) => add(a, b)), log };
    };
    const embed: Split['embed'] = (views, _feeds, mode) => {
      const embeddings = views.map((x) => heads(x, mode));
      return embeddings.length > 1 ? concat(embeddings, 0) : embeddings[0];
    };
    const [others, swapChance] = [2 * batchSize - 1, 2 * Math.log(batchSize - 1)];
    const cropChance = smallCrops > 0 ? γ * (Math.log(batchSize) + swapChance) : 0;
    return {
      encoder: f,
      groups: [{ name: 'main', modules: [f, g, phi] }],
      ...splitStep({ embed, compare }, training),
      ...(smallCrops > 0 && {
        async beforeEpoch(context) {
          const imagesOf = context.epoch < neighborWarmup ? sameImages : nearestImages;
          return { [cropTable]: await imagesOf(neighbors, context) };
        },
      }),
      metrics: {
        accuracy,
        embeddingStd: embeddingStd(embeddingDim),
        components: { label: 'components', format: 'number', epoch: 'mean' },
        ...(classes > 0 && { purity, shuffledPurity, falseNegativesJoined }),
      },
      chance: {
        loss: λ * Math.log(others) + β * swapChance + cropChance,
        formula: `λ log(2N−1) + 2β log(N−1)${smallCrops > 0 ? ' + γ (log N + 2 log(N−1))' : ''}`,
        accuracy: 1 / others,
        note: `a view’s pair among ${others} others`,
        meaning: 'the model does not distinguish views of one image from those of others',
      },
      discriminatesImages: true,
      figures: [
        { kind: 'similarity', embed: (x) => g.forward(f.forward(x, { training: false }), { training: false }) },
      ],
    };
  },
});
