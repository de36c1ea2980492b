import { z } from 'zod';
import { clipsOf, notVideo, referenceFrames } from '../data/clips.ts';
import { normalization } from '../data/preparation.ts';
import { UserError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Naming } from '../io/checked.ts';
import { mse } from '../losses/mse.ts';
import { carriedClasses, carry, pointer } from '../losses/pointer.ts';
import { stageCount } from '../nn/encoder_shape.ts';
import { makeEncoder } from '../nn/encoders.ts';
import type { Mode } from '../nn/module.ts';
import { PlaceEmbedding, stageStride } from '../nn/place_embedding.ts';
import { mul } from '../ops/binary.ts';
import { reshape } from '../ops/reshape.ts';
import { concat, permute, slice } from '../ops/strided_copy.ts';
import { abOfPlaces, nearestColours, sampleAb } from '../ssl/ab_palette.ts';
import { copiedColors, copiedMetrics, likeliest } from '../ssl/copied_colors.ts';
import { checkLabEncoder } from '../ssl/lab_prediction.ts';
import { defineMethod, type Learner, type Settings } from '../ssl/method.ts';
import { propagationFigure } from '../ssl/propagation_figure.ts';
import { count, positive } from '../ssl/settings.ts';

const options = {
  references: count(1).max(16).default(3).describe('frames before the target that its colours are copied from'),
  frameStep: count(1).max(1000).default(1).describe('frames from one of them to the next: more for a high frame rate'),
  target: z
    .enum(['classes', 'regression'])
    .default('classes')
    .describe('what is copied: classes of colours (cross-entropy), or colours a and b (squared error)'),
  colors: count(2).max(256).default(16).describe('classes of colours, by k-means of the images’ a and b'),
  placeDim: count(4).max(1024).default(64).describe('size of the embedding of a place'),
  temperature: positive().default(0.07).describe('temperature τ of the softmax over the places of the references'),
  stage: count(0)
    .max(stageCount)
    .default(0)
    .describe('stage of the encoder whose map has the places, 1: the finest; 0: the first of at most 28×28 places'),
};
type VideoSettings = Settings<typeof options>;

/** Side of the largest map that is taken where nobody says which. */
const mostPlaces = 28;

/** The stage whose places are embedded, and how many pixels the side of a place has. */
function placesOf({ stage, stem, imageSize }: Pick<VideoSettings, 'stage' | 'stem' | 'imageSize'>) {
  const stages = Array.from({ length: stageCount }, (_, i) => i + 1);
  const fine = stages.find((one) => imageSize / stageStride(one, stem) <= mostPlaces) ?? stageCount;
  const chosen = stage || fine;
  return { stage: chosen, stride: stageStride(chosen, stem) };
}

function check(settings: VideoSettings, name: Naming): void {
  const why = 'the encoder sees the colours that it is to copy';
  checkLabEncoder(settings, { method: 'video-color', input: 'lightness', why }, name);
  const { stage, stride } = placesOf(settings);
  if (settings.imageSize % stride === 0 && settings.imageSize > stride) return;
  throw new UserError(
    `${name('imageSize')} (${settings.imageSize}) must be a multiple of ${stride}, the pixels of a place of stage ${stage}; or give another ${name('stage')}`,
    2,
  );
}

/** a and b are divided by it where they are predicted as numbers. */
const abUnit = 110;

/**
 * Of frames in the rows of views, [(1 + k) · N, P, C]: the targets [N, P, C], all references of each as one [N, k · P, C], and the
 * first of these.
 */
function apart(x: Tensor, n: number): { readonly own: Tensor; readonly others: Tensor; readonly before: Tensor } {
  const [rows, places, channels] = x.shape;
  const k = rows / n - 1;
  const frames = permute(reshape(slice(x, 0, n), [k, n, places, channels]), [1, 0, 2, 3]);
  const others = reshape(frames, [n, k * places, channels]);
  return { own: slice(x, 0, 0, n), others, before: slice(x, 0, n, 2 * n) };
}

const palette = 'palette';
const referenceNamed = (j: number) => `reference ${j}`;

/**
 * Tracking by colourising video (Vondrick et al., 2018). The network sees a grey frame and has to find its colours in frames before it:
 * place i of the target points at places j of the references by the likeness of their embeddings, and copies what they have. Who copies
 * the right colour has found where the thing was, so that masks of objects can be carried along as colours are (`propagate`).
 *
 *   f, g = places(encoder(lightness)) of target and references;   A_ij = softmax_j(f_i · g_j / τ);   y_i = Σ_j A_ij c_j
 *   loss = −mean_i log y_i[class of i],  c_j one of 16 classes of colours by k-means of (a, b);  or the mean of (y − (a, b))²
 *
 * What differs from the paper: the encoder is this program's two-dimensional ResNet, without the paper's three-dimensional convolutions over
 * frames; places are embedded by a pyramid of all its stages, so that all learn, where the paper keeps the stride of a ResNet-18 at 8; the
 * embeddings have unit length, and so τ is 0.07, where theirs are as they are, with τ = 1. A frame at the
 * beginning of its clip copies from those behind it. Clips are folders of frames.
 */
export const videoColor = defineMethod({
  name: 'video-color',
  about: 'copies the colours of a grey video frame from the frames before it by pointing at places of them',
  paper: 'Vondrick et al., 2018, arXiv 1806.09594',
  needsClips: true,
  meanOverImages: true,
  readsImages: true,
  options,
  recipe: { input: 'lightness', optimizer: 'adam', lr: 1e-3, weightDecay: 1e-5, batchSize: 32 },
  short: { batchSize: 8, references: 2 },
  check,

  views({ imageSize: size, references }) {
    const before = Array.from({ length: references }, (_, j) => ({ name: referenceNamed(j), columns: 1 }));
    return [{ count: 1, size }, ...before.map((from) => ({ count: 1, size, from }))];
  },

  create(settings, { training, batchSize }) {
    const { references, frameStep, target, colors, placeDim, temperature, imageSize, seed } = settings;
    const { stage, stride } = placesOf(settings);
    const f = makeEncoder(settings);
    const places = new PlaceEmbedding('places', { channels: f.dimensions, stage, dimensions: placeDim, seed });
    const colours = normalization(settings);
    const embed = (views: Tensor, mode: Mode) => places.forward(f.maps(views, mode));
    const abOf = (views: Tensor) => abOfPlaces(views, colours, stride);

    const beforeEpoch: Learner['beforeEpoch'] = async ({ images, centresOf, before }) => {
      const tables = referenceFrames(clipsOf(images), images.count, references, frameStep);
      const named = tables.map((table, j) => [referenceNamed(j), table] as const);
      const centres = before[palette] ?? centresOf(sampleAb(images, seed), 2, colors);
      return { ...Object.fromEntries(named), [palette]: centres };
    };
    const inference = { training: false };
    return {
      encoder: f,
      groups: [{ name: 'main', modules: [f, places] }],
      beforeEpoch,
      unfit: notVideo,
      step(views, feeds) {
        const centres = feeds.whole(palette, [colors, 2]);
        const classesOf = (ab: Tensor) => nearestColours(ab, centres);
        const frames = concat(views, 0);
        const [fs, ab] = [apart(embed(frames, training), batchSize), apart(abOf(frames), batchSize)];
        const truth = classesOf(ab.own);
        const attention = pointer(fs.own, fs.others, { temperature });
        let [loss, copied]: Tensor[] = [];
        if (target === 'classes') {
          const y = carry(attention, classesOf(ab.others));
          [loss, copied] = [carriedClasses(y, truth), likeliest(y)];
        } else {
          const y = carry(attention, ab.others);
          [loss, copied] = [mse(mul(y, 1 / abUnit), mul(ab.own, 1 / abUnit)), classesOf(y)];
        }
        return { losses: [['main', () => loss]], log: copiedColors(copied, truth, classesOf(ab.before)) };
      },
      metrics: copiedMetrics,
      ...(target === 'classes' && {
        chance: {
          loss: Math.log(colors),
          formula: `log(${colors})`,
          note: `one of ${colors} colours`,
          meaning: 'the model does not find where colours are to be copied from',
        },
      }),
      figures: [
        propagationFigure({
          ...{ colours, imageSize, frameStep, temperature, frames: references, abOf },
          embed: (views) => embed(views, inference),
        }),
      ],
    };
  },
});
