import { z } from 'zod';
import { normalization } from '../data/preparation.ts';
import { UserError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { maskedPatchError, normalizedPatches, patchDeviations, patchMeans } from '../losses/masked_patches.ts';
import { explained, meanColour } from '../losses/picture_error.ts';
import { makeEncoder } from '../nn/encoders.ts';
import { MaeDecoder } from '../nn/mae_decoder.ts';
import type { Mode } from '../nn/module.ts';
import { MaskToken, type Vit } from '../nn/vit.ts';
import { add } from '../ops/add.ts';
import { mul, sub } from '../ops/binary.ts';
import { gatherRows } from '../ops/gather_rows.ts';
import { expand } from '../ops/reduce.ts';
import { reshape } from '../ops/reshape.ts';
import type { Feeds, StepTime } from '../ssl/feeds.ts';
import { checkTransformer, vitOf } from '../ssl/hidden_patches.ts';
import { defineMethod, type Learner, type Metric, type PictureFigure, type Settings } from '../ssl/method.ts';
import { drawKeys, keptOf, maskByKeys, type PatchMask, patchSamplings } from '../ssl/patch_masks.ts';
import { asPictures, patchesOf } from '../ssl/patch_pictures.ts';
import { toPixels } from '../ssl/pixels.ts';
import { random } from '../ssl/rng.ts';
import { augmentationConfig, count, share } from '../ssl/settings.ts';

const options = {
  maskRatio: share().max(0.99).default(0.75).describe('share of the patches that are hidden'),
  sampling: z
    .enum(patchSamplings)
    .default('random')
    .describe('which: random, block (within large rectangles), or grid (all but one of each 2×2)'),
  maskTokens: z
    .enum(['decoder', 'encoder'])
    .default('decoder')
    .describe(
      'who sees tokens in place of hidden patches: the decoder alone, or the encoder too, which then has all patches',
    ),
  target: z
    .enum(['normalized', 'pixels'])
    .default('normalized')
    .describe('what is predicted of a patch: its pixels with mean 0 and deviation 1 of its own, or as they are'),
  decoderDim: count(4).max(2048).multipleOf(4).default(192).describe('numbers of a token in the decoder'),
  decoderDepth: count(1).max(24).default(4).describe('blocks of the decoder'),
  decoderHeads: count(1).max(32).default(3).describe('heads of its attention'),
};
type Own = Settings<typeof options>;

interface MaskSizes {
  readonly patches: number;
  readonly kept: number;
}

/** What is drawn for an image in an epoch: which of its patches are seen. */
function drawMask(image: number, { seed, epoch }: StepTime, { sampling, maskRatio }: Own, grid: number) {
  const patches = grid * grid;
  const kept = keptOf(patches, maskRatio);
  return maskByKeys(drawKeys(sampling, grid, patches - kept, random(seed, epoch, image)), kept);
}

/** Masks of n images with L patches each, K of them seen. */
function maskFeeds(feeds: Feeds, of: (image: number, time: StepTime) => PatchMask, n: number, sizes: MaskSizes) {
  const { patches, kept } = sizes;
  return {
    /** u32 [N · K]: patches that are seen, as rows of [N · L]. */
    seen: () =>
      feeds.rowsOf('seen', kept, (image, place, time) => of(image, time).kept.map((p) => place * patches + p)),
    /** u32 [N · L]: where each patch is among the N · K that are seen; behind them where it is hidden. */
    places: () =>
      feeds.rowsOf('places', patches, (image, place, time) =>
        of(image, time).ranks.map((rank) => (rank < kept ? place * kept + rank : n * kept)),
      ),
    /** f32 [N, L]: 1 where a patch is hidden. */
    hidden: feeds.rows('hidden', patches, (image, time) =>
      Float32Array.from(of(image, time).ranks, (rank) => Number(rank >= kept)),
    ),
  };
}

interface MaskedNetwork {
  /** Views [N, S, S, 4] → predicted patches [N, L, p·p·3], what they are to be, and which were hidden. */
  predict(x: Tensor, feeds: Feeds, mode: Mode): { pred: Tensor; target: Tensor; hidden: Tensor };
}

/** Pictures as they are seen, with what was hidden filled in, and as they were. */
function reconstructionFigure(settings: Own, patch: number, network: MaskedNetwork): PictureFigure {
  return {
    kind: 'pictures',
    name: 'reconstructions',
    record([x], feeds) {
      const { pred, hidden } = network.predict(x, feeds, { training: false });
      const patches = patchesOf(x, patch);
      const mask = reshape(hidden, [...hidden.shape, 1]);
      // Where deviations were not predicted, they are shown as they were.
      const made =
        settings.target === 'normalized' ? add(mul(pred, patchDeviations(patches)), patchMeans(patches)) : pred;
      const merged = add(mul(patches, sub(1, mask)), mul(made, mask));
      return { seen: asPictures(mul(patches, sub(1, mask)), patch), merged: asPictures(merged, patch), original: x };
    },
    columns({ seen, merged, original }) {
      const pictures = (values: ArrayLike<number>) => toPixels(values, settings.imageSize, normalization(settings));
      return [
        { label: 'seen', pictures: pictures(seen) },
        { label: 'filled in', pictures: pictures(merged) },
        { label: 'original', pictures: pictures(original) },
      ];
    },
  };
}

/**
 * Masked autoencoder (He et al., 2022). Three quarters of an image's patches are hidden; a vision transformer f sees the others, and a small
 * decoder g tells from their tokens, and a mask token wherever a patch was hidden, what was there:
 *
 *   latent = f(patches seen),   pred = g([latent, mask tokens in their places])
 *   loss = mean over hidden patches of mean((pred − t)²),   t = (pixels − mean) / √(variance + 1e-6) of each patch by itself
 *
 * A prediction of 0 has a loss of (P − 1)/P for patches of P numbers. Which patches are hidden is drawn anew in every epoch, by the ranks of
 * keys that depend on seed, epoch and image. Features are those of the class token with all patches seen. Neighbours of such features are
 * poor by nature: what they are worth is seen by fine-tuning.
 *
 * What differs from the paper: the networks are small by default (vit_tiny, a decoder of 4 blocks of 192 numbers; the paper: ViT-L, 8 of
 * 512), and weights are drawn from N(0, 0.02²) (the paper: Xavier's uniform distribution).
 */
export const mae = defineMethod({
  name: 'mae',
  about: 'a vision transformer sees a quarter of the patches, a decoder tells the others',
  paper: 'He et al., 2022, arXiv 2111.06377',
  meanOverImages: true,
  options,
  recipe: {
    ...{
      architecture: 'vit_tiny',
      positions: 'sincos',
      optimizer: 'adamw',
      lr: 1.5e-4,
      beta2: 0.95,
      weightDecay: 0.05,
    },
    ...{ excludeBiasAndNorm: true, schedule: 'cosine', warmupEpochs: 40, epochs: 800, batchSize: 256 },
    ...{ cropMin: 0.2, jitter: 0, grayscale: 0, blur: 0 },
  },
  short: { lr: 1e-3, warmupEpochs: 0.08, decoderDim: 48, decoderDepth: 2 },

  check(settings, name) {
    checkTransformer(settings, name, 'method mae');
    const { decoderDim, decoderHeads } = settings;
    if (decoderDim % decoderHeads !== 0)
      throw new UserError(
        `method mae: ${name('decoderDim')} ${decoderDim} must be a multiple of ${name('decoderHeads')} ${decoderHeads}`,
        2,
      );
  },

  views: (settings) => [{ count: 1, size: settings.imageSize, augmentation: augmentationConfig(settings) }],

  create(settings, { training }) {
    return maskedAutoencoder(vitOf(makeEncoder(settings)), settings, training);
  },
});

/**
 * What learns: f, a decoder, and with mask tokens in the encoder one of them.
 * @param draw an image's mask at a time
 */
export function maskedAutoencoder(f: Vit, settings: Own, training: Mode, draw = drawMask): Learner {
  const { seed, decoderDim, decoderDepth, decoderHeads, maskTokens } = settings;
  const { patch, grid } = f.shape;
  const sizes = { patches: grid * grid, kept: keptOf(grid * grid, settings.maskRatio) };
  const g = new MaeDecoder({
    ...{ inputs: f.dimensions, dimensions: decoderDim, depth: decoderDepth, heads: decoderHeads },
    ...{ grid, outputs: 3 * patch * patch, seed },
  });
  const inside = maskTokens === 'encoder' ? new MaskToken('encoder_mask', f.dimensions, seed) : undefined;
  const network: MaskedNetwork = {
    predict(x, feeds, mode) {
      const n = x.shape[0];
      const mask = maskFeeds(feeds, (image, time) => draw(image, time, settings, grid), n, sizes);
      const { hidden } = mask;
      const target = targetOf(x, patch, settings);
      if (inside) {
        const tokens = f.embed(x, mode, { mask: reshape(hidden, [n, sizes.patches, 1]), token: inside.token });
        return { pred: g.forward(f.encode(tokens, mode), mode), target, hidden };
      }
      const rows = gatherRows(reshape(f.embed(x, mode), [n * sizes.patches, f.dimensions]), mask.seen());
      const latent = f.encode(reshape(rows, [n, sizes.kept, f.dimensions]), mode);
      return { pred: g.forward(latent, mode, mask.places()), target, hidden };
    },
  };
  return {
    encoder: f,
    groups: [{ name: 'main', modules: [f, g, ...(inside ? [inside] : [])] }],
    step([x], feeds) {
      const { pred, target, hidden } = network.predict(x, feeds, training);
      const loss = maskedPatchError(pred, target, hidden);
      const guessed = maskedPatchError(guessOf(x, target, patch, settings), target, hidden);
      return { losses: [['main', () => loss]], log: { guessed, explained: explained(loss, guessed) } };
    },
    metrics: metricsOf(settings),
    figures: [reconstructionFigure(settings, patch, network)],
  };
}

const metricsOf = ({ target }: Own): Readonly<Record<string, Metric>> => ({
  guessed: {
    ...{ label: 'guessed', format: 'number', epoch: 'mean' },
    note: `what the loss is of guessing ${target === 'normalized' ? 'the mean colour of each patch' : 'the mean colour of the picture'}`,
  },
  explained: {
    ...{ label: 'explained', format: 'percent', epoch: 'mean', guess: 0 },
    note: 'how much of that loss is gone; 100 % is the picture itself',
  },
});

/** Patches [N, L, p·p·3] as they are predicted. */
function targetOf(x: Tensor, patch: number, { target }: Pick<Own, 'target'>): Tensor {
  const patches = patchesOf(x, patch);
  return target === 'normalized' ? normalizedPatches(patches) : patches;
}

/** What is told without looking: of normalised patches 0, of others the picture's colour. */
const guessOf = (x: Tensor, target: Tensor, patch: number, settings: Pick<Own, 'target'>): Tensor =>
  settings.target === 'normalized' ? mul(target, 0) : patchesOf(expand(meanColour(x), x.shape), patch);
