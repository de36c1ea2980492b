import { normalization } from '../data/preparation.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Colours } from '../nn/encoder_shape.ts';
import { makeEncoder } from '../nn/encoders.ts';
import { Linear } from '../nn/layers.ts';
import { crossEntropy } from '../ops/cross_entropy.ts';
import { rot90 } from '../ops/rearrange.ts';
import { softmax } from '../ops/softmax.ts';
import { concat } from '../ops/strided_copy.ts';
import { attentionMaps } from '../ssl/attention_maps.ts';
import { defineMethod, type PictureFigure } from '../ssl/method.ts';
import { accuracy, chanceOfClasses } from '../ssl/metrics.ts';
import { toPixels } from '../ssl/pixels.ts';
import { augmentationConfig } from '../ssl/settings.ts';

/** Quarters of a turn, which are the classes. */
const quarters = [0, 1, 2, 3] as const;

/** Images [N, S, S, C] in their four turns, counter-clockwise: [4N, S, S, C], image i turned by k quarters in row k · N + i. */
export const fourTurns = (x: Tensor): Tensor =>
  concat(
    quarters.map((k) => rot90(x, k)),
    0,
  );

/**
 * RotNet (Gidaris, Singh & Komodakis, 2018). Each image is in the batch in all four turns by quarters; a linear classifier on the encoder
 * has to say which turn is which. That takes knowing what things look like when they stand upright:
 *
 *   loss = mean over i and k of −log softmax(W f(rot90(xᵢ, k)) + b)ₖ,   k = 0 … 3
 *
 * A turn copies pixels and computes none, so that neither black corners nor resampling tell it. All four turns of an image in one batch is
 * the paper's; labels are balanced by it. An image that looks the same in all turns has the same logits four times: log 4 at best.
 *
 * What differs from the paper: the encoder is a ResNet whose averaged last map is classified, where the paper reads the maps of a Network
 * in Network at its second block of four or five. The learning rate falls by a cosine and not to a fifth at 30, 60 and 80 % of the run;
 * an image is shifted by crops of 60 % of it and more, where the paper pads small images by 4 pixels. Colours stay as they are, as there.
 */
export const rotation = defineMethod({
  name: 'rotation',
  aliases: ['rotnet'],
  about: 'a linear classifier says by how many quarters an image was turned',
  paper: 'Gidaris, Singh & Komodakis, 2018, arXiv 1803.07728',
  meanOverImages: true,
  options: {},
  recipe: {
    ...{ optimizer: 'sgd', lr: 0.1, weightDecay: 5e-4, schedule: 'cosine', epochs: 200, batchSize: 128 },
    ...{ cropMin: 0.6, jitter: 0, grayscale: 0, blur: 0 },
  },
  short: { optimizer: 'adam', lr: 1e-3, weightDecay: 1e-4, batchSize: 32 },

  views: ({ imageSize: size, ...settings }) => [{ count: 1, size, augmentation: augmentationConfig(settings) }],

  create(settings, { training }) {
    const f = makeEncoder(settings);
    const classifier = new Linear('classifier', f.dimensions, quarters.length, settings.seed);
    const shown = { side: settings.imageSize, colours: normalization(settings) };
    return {
      encoder: f,
      groups: [{ name: 'main', modules: [f, classifier] }],
      step([views], feeds) {
        const logits = classifier.forward(f.forward(fourTurns(views), training));
        const turns = feeds.perImage('quarters', (_image, _time, view) => view, quarters.length);
        const { loss, accuracy } = crossEntropy(logits, turns);
        return { losses: [['main', () => loss]], log: { accuracy } };
      },
      metrics: { accuracy },
      chance: chanceOfClasses(quarters.length, {
        note: 'one of four turns',
        meaning: 'the model does not see how images are turned',
      }),
      figures: [
        turnsFigure((views) => classifier.forward(f.forward(views, { training: false })), shown),
        attentionMaps(f, shown),
      ],
    };
  },
});

/** Pictures in their four turns, under each the turn that is taken for the most likely one, and its probability. */
function turnsFigure(
  logits: (views: Tensor) => Tensor,
  { side, colours }: { readonly side: number; readonly colours: Colours },
): PictureFigure {
  const nameOf = (k: number) => `${90 * k}°`;
  return {
    kind: 'pictures',
    name: 'rotations',
    record([views]) {
      const turned = fourTurns(views);
      return { turned, probabilities: softmax(logits(turned)) };
    },
    columns({ turned, probabilities }) {
      const pictures = toPixels(turned, side, colours);
      const images = pictures.length / quarters.length;
      const guess = (row: number) => {
        const four = Array.from(probabilities.subarray(row * quarters.length, (row + 1) * quarters.length));
        const best = Math.max(...four);
        return `${nameOf(four.indexOf(best))} ${Math.round(100 * best)} %`;
      };
      return quarters.map((k) => ({
        label: `turned by ${nameOf(k)}`,
        pictures: pictures.slice(k * images, (k + 1) * images),
        captions: Array.from({ length: images }, (_, i) => `says ${guess(k * images + i)}`),
      }));
    },
  };
}
