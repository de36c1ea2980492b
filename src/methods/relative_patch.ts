import { z } from 'zod';
import { normalization } from '../data/preparation.ts';
import { UserError } from '../errors.ts';
import type { Data, Tensor } from '../graph/tensor.ts';
import { makeEncoder } from '../nn/encoders.ts';
import { mlp } from '../nn/mlp.ts';
import type { Mode } from '../nn/module.ts';
import { argmaxRows } from '../ops/argmax_rows.ts';
import { crossEntropy } from '../ops/cross_entropy.ts';
import { concat, slice } from '../ops/strided_copy.ts';
import type { Feeds, StepTime } from '../ssl/feeds.ts';
import { defineMethod, type PictureFigure, type Settings, type ViewGroup } from '../ssl/method.ts';
import { accuracy, chanceOfClasses } from '../ssl/metrics.ts';
import { patchColourings, patchColours } from '../ssl/patch_colours.ts';
import {
  cutPatch,
  gridPicture,
  gridPlaces,
  gridSide,
  type PatchGrid,
  patchSizeOf,
  pixelsOfImages,
  placeGrid,
} from '../ssl/patch_grid.ts';
import type { Pixels } from '../ssl/pixels.ts';
import { random } from '../ssl/rng.ts';
import { count, share } from '../ssl/settings.ts';
import { splitStep } from '../ssl/split_step.ts';

/** The middle of the grid, and the eight places around it by their class: 0 is up and left of the middle, 7 down and right. */
const middle = 4;
export const placeOf = (position: number): number => position + Number(position >= middle);
const positions = gridPlaces - 1;

const options = {
  patchGap: share().default(0.5).describe('space between patches as a share of their side'),
  patchJitter: share()
    .default(0.07)
    .describe('how far a patch may be off its place, in each direction, as a share of its side'),
  patchColors: z
    .enum(patchColourings)
    .default('drop')
    .describe(
      'drop: one channel stays and the others become noise; project: no difference between green and magenta; keep: as they are',
    ),
  patchSize: count(0)
    .max(512)
    .default(0)
    .describe(
      'height and width of a patch as the network sees it, in pixels; 0: a quarter of --image-size, 8 at least',
    ),
  pairs: count(1)
    .max(positions)
    .default(positions)
    .describe('pairs of an image in a batch: the patch in the middle with so many of those around it'),
  headWidth: count(1).max(8192).default(4096).describe('width of the hidden layer behind the two patches'),
};
type Own = Settings<typeof options>;

/** The largest grid of patches, gaps and jitter that fits an image of so many pixels, 3 at least. */
export function relativeGrid(
  shorter: number,
  { patchGap, patchJitter }: Pick<Own, 'patchGap' | 'patchJitter'>,
): PatchGrid {
  const of = (patch: number): PatchGrid => ({
    patch,
    pitch: patch + Math.floor(patch * patchGap),
    room: 2 * Math.round(patch * patchJitter),
  });
  let patch = Math.max(1, Math.floor(shorter / 3));
  while (patch > 1 && gridSide(of(patch)) > shorter) patch--;
  return of(patch);
}

/** What is drawn of an image in an epoch, before its patches: where those beside the middle lie, and what places the grid. */
function drawPairs(image: number, { seed, epoch }: StepTime, { pairs }: Pick<Own, 'pairs'>) {
  const draw = random(seed, epoch, image);
  const left = Array.from({ length: positions }, (_, position) => position);
  const drawn = Array.from({ length: pairs }, () => left.splice(draw.below(left.length), 1)[0]);
  return { positions: drawn, draw };
}

/** The position of a pair, and that of the middle as seen from the other patch. */
export const turnedAround = (position: number): number => positions - 1 - position;

/** u32 [2 · pairs · N]: where the second patch of each pair lies, then where the middle does as seen from it. */
const positionFeed = (feeds: Feeds, settings: Pick<Own, 'pairs'>): Tensor => {
  const { pairs } = settings;
  const of = (image: number, time: StepTime, row: number) => {
    const position = drawPairs(image, time, settings).positions[row % pairs];
    return row < pairs ? position : turnedAround(position);
  };
  return feeds.perImage('position', of, 2 * pairs);
};

/** The patch in the middle, and those beside it that make pairs with it. */
const pairViews = (settings: Own): ViewGroup => ({
  count: 1 + settings.pairs,
  size: settings.patchSize || patchSizeOf(settings),
  parameters(image, time, view, size) {
    const { positions, draw } = drawPairs(image, time, settings);
    const grid = placeGrid(relativeGrid(Math.min(size.height, size.width), settings), size, settings.flip, draw);
    const place = view === 0 ? middle : placeOf(positions[view - 1]);
    return cutPatch(place, grid, random(time.seed, time.epoch, image, 1 + view));
  },
});

/** The first pair of each image as it is and as the network sees it, and where the second patch is said to lie, and lies. */
function patchFigure(settings: Own, network: PairNetwork): PictureFigure {
  const { pairs } = settings;
  const pictures = (views: Data, n: number, colours: Parameters<typeof pixelsOfImages>[3]) =>
    pixelsOfImages(views, 1 + pairs, Math.sqrt(views.length / n / (1 + pairs) / 4), colours);
  const laid = ([centre, other]: readonly Pixels[], position: number) => {
    const places = new Map([
      [middle, centre],
      [placeOf(position), other],
    ]);
    return gridPicture(
      Array.from({ length: gridPlaces }, (_, place) => places.get(place)),
      centre.side,
    );
  };
  return {
    kind: 'pictures',
    name: 'patches',
    record([views], feeds) {
      const seen = network.colours(views, feeds);
      const answers = argmaxRows(network.logits(network.embed(seen, { training: false }), { training: false }));
      return { views, seen, answers, truth: positionFeed(feeds, settings) };
    },
    columns({ views, seen, answers, truth }) {
      const n = truth.length / (2 * pairs);
      const plain = pictures(views, n, normalization(settings));
      // Channels of deviation 1 about 0, or of 3 where one stands for three.
      const contrast = settings.patchColors === 'drop' ? 0.08 : 0.2;
      const asSeen = pictures(seen, n, { mean: [0.5, 0.5, 0.5], std: [contrast, contrast, contrast] });
      const right = plain.map((_, i) => (answers[i] === truth[i] ? 'right' : 'wrong'));
      return [
        { label: 'middle', pictures: plain.map(([centre]) => centre) },
        { label: 'other', pictures: plain.map(([, other]) => other) },
        { label: 'middle seen', pictures: asSeen.map(([centre]) => centre) },
        { label: 'other seen', pictures: asSeen.map(([, other]) => other) },
        { label: 'placed', pictures: plain.map((pair, i) => laid(pair, answers[i])), captions: right },
        { label: 'truth', pictures: plain.map((pair, i) => laid(pair, truth[i])) },
      ];
    },
  };
}

interface PairNetwork {
  /** Views [(1 + pairs) · N, s, s, 4] as the network is to see them. */
  colours(views: Tensor, feeds: Feeds): Tensor;
  /** Features of both patches of each pair side by side, [pairs · N, 2D]. */
  embed(seen: Tensor, mode: Mode): Tensor;
  /** [P, 2D] → [P, 8] */
  logits(pairs: Tensor, mode: Mode): Tensor;
}

/** Features [(1 + pairs) · N, D] of the patches of N images → those of the middle beside each other one's, [pairs · N, 2D]. */
function withMiddle(features: Tensor, pairs: number): Tensor {
  const n = features.shape[0] / (1 + pairs);
  const centre = slice(features, 0, 0, n);
  const centres = pairs > 1 ? concat(Array<Tensor>(pairs).fill(centre), 0) : centre;
  return concat([centres, slice(features, 0, n)], 1);
}

/**
 * Relative patch positions (Doersch et al., 2015). Of two patches of an image, one in the middle and one of the eight around it, one network
 * sees each alone, and a classifier says from both features where the second one lies:
 *
 *   loss = −log softmax(g([f(x_middle), f(x_k)]))_k,   k in 0 … 7, row by row
 *
 * Taken the other way round, the same pair is another example: the middle lies at 7 − k of the other one. Both count, as in the published
 * code, and the patch in the middle is seen once for all its pairs (the paper: grids, of which a patch takes part in up to eight pairs).
 * What would give the answer away is closed as in the paper: there is a gap between patches, each is off its place by a little, has mean
 * 0 and deviation 1 of its own in each channel, and its colours do not tell by the fringes of a lens where it was (`patchColours`). The
 * paper resamples some patches to fewer pixels; here --blur of them are blurred.
 *
 * What differs from the paper: the encoder is a ResNet, whose pooled features are compared, with batch norm over all patches of a batch
 * and one hidden layer, with batch norm, behind them (the paper: AlexNet's layers up to fc6, and two hidden layers). Patches are cut out
 * of the images as they are stored: those of a folder have --image-size, STL-10's have 96 pixels. Their scale and size are those of
 * `jigsaw`'s tiles, for its reasons, and --input standardized shows evaluation what training saw, unless channels are dropped.
 */
export const relativePatch = defineMethod({
  name: 'relative-patch',
  about: 'where of the eight places around a patch another patch of the image lies',
  paper: 'Doersch et al., 2015, arXiv 1505.05192',
  options,
  recipe: {
    ...{ optimizer: 'sgd', nesterov: false, lr: 0.05, weightDecay: 5e-4, schedule: 'cosine', epochs: 200 },
    ...{ grayscale: 0, blur: 0.33 },
  },
  short: {
    ...{ imageSize: 128, optimizer: 'adam', lr: 1e-3, weightDecay: 1e-4, headWidth: 512 },
    ...{ patchColors: 'keep', input: 'standardized' },
  },
  microBatches: true,

  check({ input, patchColors }, name) {
    if (input !== 'standardized' || patchColors !== 'drop') return;
    const what = `${name('patchColors')} drop leaves noise in channels, which ${name('input')} standardized makes as strong as the image`;
    throw new UserError(`relative-patch: ${what}; use another of the two`, 2);
  },

  views: (settings) => [pairViews(settings)],

  create(settings, { training }) {
    const { headWidth, patchColors, pairs, seed } = settings;
    const f = makeEncoder(settings);
    const g = mlp({
      ...{ name: 'classifier', widths: [2 * f.dimensions, headWidth, positions], seed },
      ...{ batchNorm: 'hidden', hiddenBias: false },
    });
    const network: PairNetwork = {
      colours: (views, feeds) => patchColours(views, patchColors, 1 + pairs, feeds, settings),
      embed: (seen, mode) => withMiddle(f.forward(seen, mode), pairs),
      logits: (pairs, mode) => g.forward(pairs, mode),
    };
    return {
      encoder: f,
      groups: [{ name: 'main', modules: [f, g] }],
      ...splitStep(
        {
          embed([views], feeds, mode) {
            const one = network.embed(network.colours(views, feeds), mode);
            const turned = concat([slice(one, 1, f.dimensions), slice(one, 1, 0, f.dimensions)], 1);
            return network.logits(concat([one, turned], 0), mode);
          },
          compare(logits, feeds) {
            const { loss, accuracy } = crossEntropy(logits, positionFeed(feeds, settings));
            return { loss, log: { accuracy } };
          },
        },
        training,
      ),
      metrics: { accuracy },
      chance: chanceOfClasses(positions, {
        note: `one of ${positions} places`,
        meaning: 'the model does not see how two patches lie to each other',
      }),
      figures: [patchFigure(settings, network)],
    };
  },
});
