import { normalization } from '../data/preparation.ts';
import { meanColour } from '../losses/picture_error.ts';
import { makeEncoder } from '../nn/encoders.ts';
import { expand } from '../ops/reduce.ts';
import { checkCorruption, corrupt, corruptionOptions } from '../ssl/denoising.ts';
import { defineMethod } from '../ssl/method.ts';
import { toPixels } from '../ssl/pixels.ts';
import { decoderOptions, pictureDecoder, pictureMetrics, pictureScores } from '../ssl/reconstruction.ts';
import { augmentationConfig } from '../ssl/settings.ts';

/**
 * Autoencoder (Hinton & Salakhutdinov, 2006), with --corruption a denoising one (Vincent et al., 2008 and 2010). A decoder g makes the
 * picture again out of its features:
 *
 *   x̃ = corrupt(x);   loss = mean (g(f(x̃)) − x)²,   over the colours of normalised pictures
 *
 * Without a corruption, x̃ = x, and all that keeps the features from being the picture itself is how few they are: they are the
 * bottleneck, and the decoder sees nothing else, no map of the encoder's earlier layers.
 *
 * What differs from the papers: encoder and decoder are convolutional and trained at once, not layers of Boltzmann machines or
 * autoencoders one upon the other; the error is the squared one, of colours, and not the cross-entropy of binary pixels; whole pixels are
 * corrupted, as a neighbouring colour channel would give away what is missing.
 */
export const autoencoder = defineMethod({
  name: 'autoencoder',
  about: 'a decoder makes the picture again out of its features; with --corruption, out of those of a damaged copy',
  paper: 'Hinton & Salakhutdinov, 2006; Vincent et al., 2010 (denoising)',
  meanOverImages: true,
  options: { ...corruptionOptions, ...decoderOptions },
  recipe: { lr: 1e-3, weightDecay: 0, schedule: 'cosine', epochs: 200, cropMin: 0.5, jitter: 0, grayscale: 0, blur: 0 },
  short: { warmupEpochs: 0.02 },
  check: checkCorruption,

  views: (settings) => [{ count: 1, size: settings.imageSize, augmentation: augmentationConfig(settings) }],

  create(settings, { training }) {
    const f = makeEncoder(settings);
    const g = pictureDecoder(settings, f.dimensions, settings.imageSize);
    return {
      encoder: f,
      groups: [{ name: 'main', modules: [f, g] }],
      step([x], feeds) {
        const y = g.forward(f.forward(corrupt(x, feeds, settings), training), training);
        const guess = expand(meanColour(x), x.shape);
        const { error, ...log } = pictureScores({ made: y, truth: x, guess }, settings);
        return { losses: [['main', () => error]], log };
      },
      metrics: pictureMetrics('each picture’s mean colour', 'loss'),
      figures: [
        {
          kind: 'pictures',
          name: 'reconstructions',
          record([x], feeds) {
            const input = corrupt(x, feeds, settings);
            const output = g.forward(f.forward(input, { training: false }), { training: false });
            return { input, output, original: x };
          },
          columns: ({ input, output, original }) => {
            const pictures = (values: ArrayLike<number>) =>
              toPixels(values, settings.imageSize, normalization(settings));
            return [
              ...(settings.corruption === 'none' ? [] : [{ label: settings.corruption, pictures: pictures(input) }]),
              { label: 'output', pictures: pictures(output) },
              { label: 'original', pictures: pictures(original) },
            ];
          },
        },
      ],
    };
  },
});
