import { z } from 'zod';
import { imagenetColours, normalization } from '../data/preparation.ts';
import { UserError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { constant } from '../graph/trace.ts';
import { discriminatorLoss, generatorLoss, takenForReal } from '../losses/adversarial.ts';
import { meanColour, pictureError } from '../losses/picture_error.ts';
import { DcganDiscriminator } from '../nn/dcgan.ts';
import { makeEncoder } from '../nn/encoders.ts';
import type { Mode } from '../nn/module.ts';
import { add } from '../ops/add.ts';
import { mul, sub } from '../ops/binary.ts';
import { detach } from '../ops/detach.ts';
import { expand } from '../ops/reduce.ts';
import type { Feeds } from '../ssl/feeds.ts';
import { blockHoles, centreHole, centreSide, filledIn, holeRegions } from '../ssl/holes.ts';
import { defineMethod, type Metric } from '../ssl/method.ts';
import { toPixels } from '../ssl/pixels.ts';
import { decoderOptions, pictureDecoder, pictureMetrics, pictureScores } from '../ssl/reconstruction.ts';
import { augmentationConfig, positive, type SharedSettings, share } from '../ssl/settings.ts';

/**
 * Context encoder (Pathak et al., 2016). A picture has a hole; a decoder g makes what is missing, out of the features of what is around it. A
 * discriminator d tells what was made from what was there:
 *
 *   x̂ = g(f(x with the hole filled by the mean colour));   M is 1 in the hole
 *   loss of d = −log d(x) − log (1 − d(stopgrad(x̂))),   then d is updated,   then
 *   loss of f and g = (1 − λ) mean (w (x̂ − x)²) − λ log d(x̂)
 *
 * over the part of the picture that g makes: the centre, of half the side, whose border (4 pixels of 128) is seen by f and has w = 10, or
 * with --region blocks the whole picture, with w = M. Squared errors alone make what is blurred, the mean of all that might be there; d
 * takes no blurred picture for real. --adversarial-weight 0 is squared errors alone, without a discriminator.
 *
 * What differs from the paper: the encoder is a ResNet, whose averaged features take the place of AlexNet's maps and of the channel-wise
 * connections behind them, so that the decoder begins with a linear layer; it upsamples by default, the paper's transposed
 * convolutions are --decoder deconv, and it is as wide as the encoder; random blocks are as many and as large
 * as makes a quarter of the picture at most, and d sees them with what is around them.
 */
export const contextEncoder = defineMethod({
  name: 'context-encoder',
  about: 'a decoder fills a hole in the picture, out of features of what is around it; a discriminator judges it',
  paper: 'Pathak et al., 2016, arXiv 1604.07379',
  options: {
    region: z
      .enum(holeRegions)
      .default('center')
      .describe('what is hidden: center (a square of half the side) or blocks (random squares)'),
    adversarialWeight: share()
      .default(0.001)
      .describe('weight of the adversarial loss (λ), that of the squared errors is 1 − λ; 0: no discriminator'),
    bandWeight: positive()
      .default(10)
      .describe('how many times errors in the seen border of the centre count (--region center)'),
    discriminatorLrFactor: positive()
      .default(0.1)
      .describe('the discriminator’s learning rate as a multiple of the others’'),
    ...decoderOptions,
  },
  recipe: {
    ...{ lr: 2e-3, beta1: 0.5, weightDecay: 0, batchSize: 64, epochs: 500, normalize: 'half' },
    ...{ cropMin: 0.5, jitter: 0, grayscale: 0, blur: 0 },
  },
  short: { warmupEpochs: 0.02 },
  meanOverImages: true,
  onlyAlone({ adversarialWeight, region }, name) {
    if (adversarialWeight > 0)
      return `it has two losses, of which the second sees what the first has changed; with ${name('adversarialWeight')} 0 it has one`;
    if (region === 'center') return undefined;
    return `its loss is a mean over hidden pixels, of which images have not as many with ${name('region')} ${region}; use center`;
  },
  check({ region, adversarialWeight }, name, given) {
    if (region === 'blocks' && given('bandWeight'))
      throw new UserError(`${name('bandWeight')} is of ${name('region')} center: blocks have no seen border`, 2);
    if (adversarialWeight === 0 && given('discriminatorLrFactor'))
      throw new UserError(`${name('discriminatorLrFactor')} needs ${name('adversarialWeight')} above 0`, 2);
  },

  views: (settings) => [{ count: 1, size: settings.imageSize, augmentation: augmentationConfig(settings) }],

  create(settings, { training }) {
    const { region, adversarialWeight: weight, imageSize, width, seed, normalize } = settings;
    const side = region === 'center' ? centreSide(imageSize) : imageSize;
    const f = makeEncoder(settings);
    const g = pictureDecoder(settings, f.dimensions, side);
    const d = new DcganDiscriminator('discriminator', { size: side, width, seed });
    /** A picture, its holes, and what is made of what is seen of it. */
    const fill = (x: Tensor, feeds: Feeds, mode: Mode) => {
      const holes = region === 'center' ? centreHole(imageSize, settings.bandWeight) : blockHoles(imageSize, feeds);
      const seen = filledIn(x, holes.hidden, meanOfPhotographs(normalize));
      return { holes, seen, truth: holes.part(x), made: g.forward(f.forward(seen, mode), mode) };
    };
    const judge = { name: 'discriminator', modules: [d], lr: (lr: number) => settings.discriminatorLrFactor * lr };
    return {
      encoder: f,
      groups: [{ name: 'main', modules: [f, g] }, ...(weight > 0 ? [judge] : [])],
      step([x], feeds) {
        const { holes, truth, made } = fill(x, feeds, training);
        const error = pictureError(made, truth, holes.weight);
        const around = expand(meanColour(x, sub(1, holes.hidden)), truth.shape);
        const log = pictureScores({ made, truth, guess: around, where: holes.hole }, settings);
        if (weight === 0) return { losses: [['main', () => error]], log };

        const filled = holes.filled(made, truth);
        const [real, fake] = [truth, detach(filled)].map((pictures) => d.forward(pictures, training));
        const adversarial = () => generatorLoss(d.forward(filled, { ...training, batchShare: 0 })); // d as it was updated
        return {
          losses: [
            ['discriminator', () => discriminatorLoss(real, fake).loss],
            ['main', () => add(mul(error, 1 - weight), mul(adversarial(), weight))],
          ],
          log: { ...log, toldApart: mul(add(takenForReal(real), sub(1, takenForReal(fake))), 0.5) },
        };
      },
      metrics: {
        ...pictureMetrics('the mean colour of what is seen'),
        ...(weight > 0 && { toldApart, loss_discriminator: lossOfDiscriminator }),
      },
      figures: [
        {
          kind: 'pictures',
          name: 'holes',
          record([x], feeds) {
            const { holes, seen, truth, made } = fill(x, feeds, { training: false });
            const filled = holes.whole(x, holes.filled(made, truth));
            return { seen, filled, original: x };
          },
          columns: ({ seen, filled, original }) => {
            const pictures = (values: ArrayLike<number>) => toPixels(values, imageSize, normalization(settings));
            return [
              { label: 'seen', pictures: pictures(seen) },
              { label: 'filled', pictures: pictures(filled) },
              { label: 'original', pictures: pictures(original) },
            ];
          },
        },
      ],
    };
  },
});

const toldApart: Metric = {
  ...{ label: 'told apart', format: 'percent', epoch: 'mean', guess: 0.5 },
  note: 'pictures that the discriminator takes for what they are, real or filled: 50 % where it sees no difference',
};
const lossOfDiscriminator: Metric = {
  ...{ label: 'D', format: 'number', epoch: 'mean' },
  note: 'the loss of the discriminator: 2 log 2 = 1.386 where it sees no difference',
};

/** The mean colour of ImageNet's photographs, as it is normalised here: [1, 1, 1, 4]. */
function meanOfPhotographs(normalize: SharedSettings['normalize']): Tensor {
  const { mean, std } = normalization({ normalize });
  const colour = [0, 1, 2, 3].map((c) => (c < 3 ? (imagenetColours.mean[c] - mean[c]) / std[c] : 0));
  return constant('mean colour of photographs', Float32Array.from(colour), [1, 1, 1, 4]);
}
