import { normalization } from '../data/preparation.ts';
import type { Tensor } from '../graph/tensor.ts';
import { makeEncoder } from '../nn/encoders.ts';
import { interpolate } from '../ops/interpolate.ts';
import { rgbToLab } from '../ops/rgb_to_lab.ts';
import type { Feeds } from '../ssl/feeds.ts';
import { labPictures } from '../ssl/lab_pictures.ts';
import {
  checkLabEncoder,
  LabPrediction,
  labPredictionOptions,
  labPredictionRecipe,
  quarterOf,
  skill,
} from '../ssl/lab_prediction.ts';
import { labPriors } from '../ssl/lab_prior.ts';
import { defineMethod, type Learner } from '../ssl/method.ts';
import { accuracy } from '../ssl/metrics.ts';
import { augmentationConfig } from '../ssl/settings.ts';

/**
 * Colourisation (Zhang, Isola & Efros, 2016). The encoder sees the lightness L of an image, and a decoder says of each pixel of a map of a
 * quarter of the size which of Q = 260 bins its colour (a, b) lies in:
 *
 *   loss = mean over pixels of  w_q* · (−Σ_q y_q log softmax(g(f(L)))_q),   y_q ∝ exp(−|ab − c_q|² / 2·5²),   q* the nearest bin
 *   w_q ∝ 1 / ((1 − λ) p_q + λ/Q),  Σ p_q w_q = 1,  p the bins' shares in the images,  λ = ½
 *
 * A picture is coloured by the mean of the bins' centres under softmax(logits / T), T = 0.38. With --target regression the two numbers are
 * predicted themselves, by smooth L1 of (a, b)/110; where several colours are likely, their mean is grey.
 *
 * What differs from the paper: the encoder is a ResNet, whose last map alone is decoded; a colour belongs to all bins and not to the five
 * nearest, which have 95 % of it; logits are what the decoder says added to those of the best guess without an image; bins are those of a
 * coarser lattice of sRGB, where the paper has 313. p is counted before the first epoch in up to a thousand of the run's images.
 */
export const colorization = defineMethod({
  name: 'colorization',
  about: 'from the lightness of an image the colours of its pixels are predicted',
  paper: 'Zhang et al., 2016, arXiv 1603.08511',
  meanOverImages: true,
  readsImages: true,
  options: labPredictionOptions,
  recipe: { ...labPredictionRecipe, input: 'lightness' },
  short: { decoderWidth: 64 },

  check(settings, name) {
    const why = 'the encoder sees the colours that it is to predict';
    checkLabEncoder(settings, { method: 'colorization', input: 'lightness', why }, name);
  },

  views: (settings) => [{ count: 1, size: settings.imageSize, augmentation: augmentationConfig(settings) }],

  create(settings, { training }) {
    const { imageSize } = settings;
    const f = makeEncoder(settings);
    const g = new LabPrediction('ab', { shape: f.shape, inputs: f.dimensions }, settings);
    const { count } = g.bins;
    const colours = normalization(settings);
    const beforeEpoch: Learner['beforeEpoch'] = async ({ before, images }) => ({
      colours: before['colours'] ?? labPriors(images, quarterOf(imageSize), [g])[0],
    });
    const sharesOf = (feeds: Feeds): Tensor => feeds.whole('colours', [count]);
    return {
      encoder: f,
      groups: [{ name: 'main', modules: [f, g.decoder] }],
      beforeEpoch,
      step([views], feeds) {
        const { loss, log } = g.loss(f.maps(views, training), rgbToLab(views, colours), sharesOf(feeds), training);
        return { losses: [['main', () => loss]], log };
      },
      metrics: {
        skill,
        accuracy: {
          ...accuracy,
          note: 'the share of pixels whose bin of colours is named; ‘commonest’: by naming always one',
        },
        commonest: { label: 'commonest', format: 'percent', epoch: 'mean' },
      },
      figures: [
        {
          kind: 'pictures',
          name: 'colours',
          record([views], feeds) {
            const mode = { training: false };
            const [, height, width] = views.shape;
            return {
              lab: rgbToLab(views, colours),
              ab: interpolate(g.decode(f.maps(views, mode), sharesOf(feeds), mode), [height, width]),
            };
          },
          columns({ lab, ab }) {
            const pictures = (colour: (pixel: number) => readonly [number, number]) =>
              labPictures(ab.length / (2 * imageSize ** 2), imageSize, (i) => [lab[4 * i], ...colour(i)]);
            return [
              { label: 'lightness', pictures: pictures(() => [0, 0]) },
              { label: 'coloured', pictures: pictures((i) => [ab[2 * i], ab[2 * i + 1]]) },
              { label: 'truth', pictures: pictures((i) => [lab[4 * i + 1], lab[4 * i + 2]]) },
            ];
          },
        },
      ],
    };
  },
});
