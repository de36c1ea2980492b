import { normalization } from '../data/preparation.ts';
import { makeEncoder } from '../nn/encoders.ts';
import type { LabHalvesEncoder } from '../nn/lab_encoders.ts';
import { add } from '../ops/add.ts';
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

/** The lightness at which (a, b) alone are shown. */
const shownLightness = 60;

/**
 * Split-brain autoencoder (Zhang, Isola & Efros, 2017). Two networks of half the channels each see a part of an image and predict the
 * other; their features side by side are what was learnt of both:
 *
 *   loss = H(g₁(f₁(L)), ab) + H(g₂(f₂(ab)), L),   features = [f₁(L), f₂(ab)]
 *
 * H is softmax cross-entropy with bins of a pixel's value, 260 of (a, b) and 100 of L, in a map of a quarter of the size, or smooth L1
 * (--target regression). No path leads from one half to the other, and no gradient.
 *
 * What differs from the paper: the halves are ResNets, whose last maps alone are decoded; bins have Gaussian shares of a value (see
 * `colorization`). Rare bins weigh no more than others; --rarity-smoothing 0.5 is colourisation's weighting.
 */
export const splitBrain = defineMethod({
  name: 'split-brain',
  about: 'one half of the network predicts colours from lightness, the other lightness from colours',
  paper: 'Zhang et al., 2017, arXiv 1611.09842',
  meanOverImages: true,
  readsImages: true,
  options: { ...labPredictionOptions, raritySmoothing: labPredictionOptions.raritySmoothing.default(1) },
  recipe: { ...labPredictionRecipe, input: 'lab-halves' },
  short: { decoderWidth: 64 },

  check(settings, name) {
    const why = 'there are no halves to predict each other';
    checkLabEncoder(settings, { method: 'split-brain', input: 'lab-halves', why }, name);
  },

  views: (settings) => [{ count: 1, size: settings.imageSize, augmentation: augmentationConfig(settings) }],

  create(settings, { training }) {
    const { imageSize } = settings;
    const f = makeEncoder(settings) as LabHalvesEncoder;
    const predictions = {
      ab: new LabPrediction('ab', { shape: f.shape, inputs: f.lightness.dimensions }, settings),
      L: new LabPrediction('L', { shape: f.shape, inputs: f.color.dimensions }, settings),
    };
    const { ab, L } = predictions;
    const colours = normalization(settings);
    const beforeEpoch: Learner['beforeEpoch'] = async ({ before, images }) => {
      if (before['ab'] && before['L']) return before;
      const [ofAb, ofL] = labPriors(images, quarterOf(imageSize), [ab, L]);
      return { ab: ofAb, L: ofL };
    };
    const sharesOf = (feeds: Feeds) => ({
      ab: feeds.whole('ab', [ab.bins.count]),
      L: feeds.whole('L', [L.bins.count]),
    });
    return {
      encoder: f,
      groups: [{ name: 'main', modules: [f, ab.decoder, L.decoder] }],
      beforeEpoch,
      step([views], feeds) {
        const lab = rgbToLab(views, colours);
        const shares = sharesOf(feeds);
        const one = ab.loss(f.lightness.maps(views, training), lab, shares.ab, training);
        const other = L.loss(f.color.maps(views, training), lab, shares.L, training);
        const log = {
          ...{ abLoss: one.loss, abSkill: one.log.skill, abAccuracy: one.log.accuracy },
          ...{ lightnessLoss: other.loss, lightnessSkill: other.log.skill, lightnessAccuracy: other.log.accuracy },
        };
        return { losses: [['main', () => add(one.loss, other.loss)]], log };
      },
      metrics: {
        abSkill: { ...skill, label: 'ab skill' },
        lightnessSkill: { ...skill, label: 'L skill' },
        abAccuracy: { ...accuracy, label: 'ab acc' },
        lightnessAccuracy: { ...accuracy, label: 'L acc' },
      },
      figures: [
        {
          kind: 'pictures',
          name: 'colours',
          record([views], feeds) {
            const shares = sharesOf(feeds);
            const mode = { training: false };
            const [, height, width] = views.shape;
            return {
              lab: rgbToLab(views, colours),
              ab: interpolate(ab.decode(f.lightness.maps(views, mode), shares.ab, mode), [height, width]),
              L: interpolate(L.decode(f.color.maps(views, mode), shares.L, mode), [height, width]),
            };
          },
          columns: ({ lab, ab, L }) => {
            const pictures = (labOf: (i: number) => readonly [number, number, number]) =>
              labPictures(L.length / imageSize ** 2, imageSize, labOf);
            return [
              { label: 'lightness', pictures: pictures((i) => [lab[4 * i], 0, 0]) },
              { label: 'colours of it', pictures: pictures((i) => [lab[4 * i], ab[2 * i], ab[2 * i + 1]]) },
              { label: 'colours', pictures: pictures((i) => [shownLightness, lab[4 * i + 1], lab[4 * i + 2]]) },
              { label: 'lightness of them', pictures: pictures((i) => [L[i], 0, 0]) },
              { label: 'truth', pictures: pictures((i) => [lab[4 * i], lab[4 * i + 1], lab[4 * i + 2]]) },
            ];
          },
        },
      ],
    };
  },
});
