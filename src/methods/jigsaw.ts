import { z } from 'zod';
import { normalization } from '../data/preparation.ts';
import { UserError } from '../errors.ts';
import type { Data, Tensor } from '../graph/tensor.ts';
import { makeEncoder } from '../nn/encoders.ts';
import { mlp } from '../nn/mlp.ts';
import type { Mode } from '../nn/module.ts';
import { standardized } from '../nn/seeing_encoder.ts';
import { argmaxRows } from '../ops/argmax_rows.ts';
import { crossEntropy } from '../ops/cross_entropy.ts';
import type { StepTime } from '../ssl/feeds.ts';
import { defineMethod, type PictureFigure, type Settings, type ViewGroup } from '../ssl/method.ts';
import { accuracy, chanceOfClasses } from '../ssl/metrics.ts';
import {
  cutPatch,
  gridPicture,
  gridPlaces,
  type PatchGrid,
  patchSizeOf,
  pixelsOfImages,
  placeGrid,
  sideBySide,
} from '../ssl/patch_grid.ts';
import { affinePermutations, greedyPermutations, hammingDistance } from '../ssl/permutations.ts';
import { random } from '../ssl/rng.ts';
import { count, positive } from '../ssl/settings.ts';
import { splitStep } from '../ssl/split_step.ts';

const options = {
  permutations: count(2).max(1000).default(64).describe('permutations among which that of a puzzle is to be found (P)'),
  permutationSet: z
    .enum(['affine', 'far', 'paper'])
    .default('affine')
    .describe(
      'which: affine, maps of the field of 9 elements, of which two differ in 8 places at least, up to 72; far, those with the largest least ' +
        'distance, one after another; paper, those with the largest sum of distances',
    ),
  puzzleShare: positive().max(1).default(0.94).describe('side of a puzzle as a share of the image’s shorter side'),
  tileShare: positive()
    .max(1)
    .default(0.75)
    .describe('side of a tile as a share of its cell, in which it lies anywhere, so that borders do not fit'),
  tileSize: count(0)
    .max(512)
    .default(0)
    .describe('height and width of a tile as the network sees it, in pixels; 0: a quarter of --image-size, 8 at least'),
  headWidth: count(1).max(8192).default(4096).describe('width of the hidden layer behind the nine tiles'),
};
type Own = Settings<typeof options>;

/** Tiles of an image of so many pixels: a third of the puzzle is a cell, and what the tile leaves of it is room. */
export function tileGrid(
  shorter: number,
  { puzzleShare, tileShare }: Pick<Own, 'puzzleShare' | 'tileShare'>,
): PatchGrid {
  const cell = Math.max(1, Math.floor((shorter * puzzleShare) / 3));
  const patch = Math.max(1, Math.round(cell * tileShare));
  return { patch, pitch: cell, room: cell - patch };
}

/** The permutations p of the settings: place v of a puzzle has tile p[v]. */
export const puzzlePermutations = ({ permutations, permutationSet }: Pick<Own, 'permutations' | 'permutationSet'>) =>
  permutationSet === 'affine'
    ? affinePermutations().slice(0, permutations)
    : greedyPermutations(gridPlaces, permutations, permutationSet === 'paper' ? 'sum' : 'minimum');

/** What is drawn of an image's puzzle in an epoch, before its tiles: which permutation, whether it is grey, and what places the grid. */
function drawPuzzle(image: number, { seed, epoch }: StepTime, { permutations, grayscale }: Own) {
  const draw = random(seed, epoch, image);
  return { number: draw.below(permutations), grayscale: draw.uniform() < grayscale, draw };
}

/** The nine tiles of a puzzle, in the order of its permutation. */
function tileViews(settings: Own): ViewGroup {
  const orders = puzzlePermutations(settings);
  return {
    count: gridPlaces,
    size: settings.tileSize || patchSizeOf(settings),
    parameters(image, time, view, size) {
      const { number, grayscale, draw } = drawPuzzle(image, time, settings);
      const grid = placeGrid(tileGrid(Math.min(size.height, size.width), settings), size, settings.flip, draw);
      return { ...cutPatch(orders[number][view], grid, random(time.seed, time.epoch, image, 1 + view)), grayscale };
    },
  };
}

/** Puzzles, as the network puts them together, and as they are. */
function puzzleFigure(settings: Own, logits: (views: Tensor, mode: Mode) => Tensor): PictureFigure {
  const orders = puzzlePermutations(settings);
  const columns = ({ views, answers, numbers }: Readonly<Record<string, Data>>) => {
    const side = Math.sqrt(views.length / numbers.length / gridPlaces / 4);
    const puzzles = pixelsOfImages(views, gridPlaces, side, normalization(settings));
    const laid = (numberOf: ArrayLike<number>) =>
      puzzles.map((tiles, i) => {
        const order = orders[numberOf[i]];
        return gridPicture(
          Array.from(tiles, (_, place) => tiles[order.indexOf(place)]),
          side,
        );
      });
    const right = (_: unknown, i: number) => gridPlaces - hammingDistance(orders[answers[i]], orders[numbers[i]]);
    return [
      { label: 'puzzle', pictures: puzzles.map((tiles) => gridPicture(tiles, side)) },
      { label: 'solved', pictures: laid(answers), captions: puzzles.map(right).map((n) => `${n} of 9 right`) },
      { label: 'truth', pictures: laid(numbers) },
    ];
  };
  return {
    kind: 'pictures',
    name: 'puzzles',
    record([views], feeds) {
      const numbers = feeds.perImage('permutation', (image, time) => drawPuzzle(image, time, settings).number);
      return { views, numbers, answers: argmaxRows(logits(views, { training: false })) };
    },
    columns,
  };
}

/**
 * Jigsaw puzzles (Noroozi & Favaro, 2016). An image is cut into 3 × 3 tiles, which are shuffled by one of P permutations; one network sees
 * each tile alone, and a classifier says from the nine features which permutation it was:
 *
 *   h = [f(t_p(1)), …, f(t_p(9))],   loss = −log softmax(g(h))_p
 *
 * What would give the answer away without a look at what is in the tiles is closed, as in the paper: each tile lies anywhere within its
 * cell, so that borders do not fit, has mean 0 and deviation 1 of its own in each channel, and 30 % of the puzzles are grey. Permutations
 * are far from each other, or a few tiles would tell which it is: the paper's algorithm (`--permutation-set paper`) gives 64 of which the
 * nearest differ in 2 places of 9, in 8.1 on average; the maps x → a x + b of the field of 9 elements differ in 8 or 9, all of them.
 *
 * What differs from the paper: the encoder is a ResNet, whose pooled features are compared (the paper: AlexNet's, with a layer for each
 * tile before they are put together), with batch norm over all tiles of a batch, and batch norm in g. Colour channels are not shifted
 * against each other. Tiles are cut out of the images as they are stored: those of a folder have --image-size, STL-10's have 96 pixels.
 *
 * Features of whole images are of use where these are seen as tiles were: each standardised by itself (--input standardized), and at the
 * tiles' scale, so that a tile is a quarter of --image-size. It should have more than 32 pixels (8 with --stem cifar): of a last map of one
 * pixel a 3×3 kernel learns its middle only, and evaluation, whose maps are larger, meets the rest of it as it was drawn.
 */
export const jigsaw = defineMethod({
  name: 'jigsaw',
  about: 'which permutation shuffled the nine tiles of an image',
  paper: 'Noroozi & Favaro, 2016, arXiv 1603.09246',
  options,
  recipe: {
    ...{ optimizer: 'sgd', nesterov: false, lr: 0.01, weightDecay: 5e-4, schedule: 'step', epochs: 70 },
    ...{ batchSize: 256, grayscale: 0.3, input: 'standardized' },
  },
  short: { imageSize: 128, optimizer: 'adam', lr: 3e-3, weightDecay: 1e-4, headWidth: 512, permutations: 24 },
  microBatches: true,

  check({ permutations, permutationSet }, name) {
    if (permutationSet !== 'affine' || permutations <= affinePermutations().length) return;
    const rule = `${name('permutationSet')} affine has 72 permutations, not ${permutations}`;
    throw new UserError(`${rule}: ask for fewer with ${name('permutations')}, or for another set`, 2);
  },

  views: (settings) => [tileViews(settings)],

  create(settings, { training }) {
    const { permutations, headWidth, seed } = settings;
    const f = makeEncoder(settings);
    const g = mlp({
      ...{ name: 'classifier', widths: [gridPlaces * f.dimensions, headWidth, permutations], seed },
      ...{ batchNorm: 'hidden', hiddenBias: false },
    });
    // Whatever --input says of whole images: tiles that were not standardised would tell which belong together.
    const logits = (tiles: Tensor, mode: Mode) =>
      g.forward(sideBySide(f.forward(standardized(tiles), mode), gridPlaces), mode);
    return {
      encoder: f,
      groups: [{ name: 'main', modules: [f, g] }],
      ...splitStep(
        {
          embed: ([tiles], _, mode) => logits(tiles, mode),
          compare(z, feeds) {
            const numbers = feeds.perImage('permutation', (image, time) => drawPuzzle(image, time, settings).number);
            const { loss, accuracy } = crossEntropy(z, numbers);
            return { loss, log: { accuracy } };
          },
        },
        training,
      ),
      metrics: { accuracy },
      chance: chanceOfClasses(permutations, {
        note: `one of ${permutations} permutations`,
        meaning: 'the model does not see how the tiles belong together',
      }),
      figures: [puzzleFigure(settings, logits)],
    };
  },
});
