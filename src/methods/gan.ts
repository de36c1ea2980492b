import { normalization } from '../data/preparation.ts';
import { UserError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { constant } from '../graph/trace.ts';
import { discriminatorLoss, generatorLoss, takenForReal } from '../losses/adversarial.ts';
import { DcganDiscriminator, DcganGenerator } from '../nn/dcgan.ts';
import { makeEncoder } from '../nn/encoders.ts';
import { add } from '../ops/add.ts';
import { mul, sub } from '../ops/binary.ts';
import { detach } from '../ops/detach.ts';
import { gaussianNoise } from '../ops/gaussian_noise.ts';
import type { Feeds, StepTime } from '../ssl/feeds.ts';
import { defineMethod } from '../ssl/method.ts';
import { toPixels } from '../ssl/pixels.ts';
import { random } from '../ssl/rng.ts';
import { augmentationConfig, count, share } from '../ssl/settings.ts';

/**
 * DCGAN (Radford et al., 2016). A generator G makes images of noise, a discriminator D tells them from photographs; each learns from
 * what the other has become:
 *
 *   x̃ = G(z),  z ~ U(−1, 1)^100
 *   loss of D = mean(−log D(x)) + mean(−log(1 − D(stopgrad(x̃)))),   then D is updated,   then
 *   loss of G = mean(−log D(x̃))
 *
 * At the equilibrium D cannot tell: its loss is 2 log 2, that of G log 2. Neither loss says how good the images are, and neither falls
 * to an end; look at the figures. The encoder is D's first three layers, their maps max-pooled to 4×4 (§5.1); G goes from noise to
 * images and could not embed one. Both networks have batch norm, in D with statistics of each kind of images by itself.
 *
 * The features are worse than those of first weights for some hundreds of steps, in which D tells rough noise from photographs, and better
 * then (of 5,000 photographs of 32 pixels, batches of 32, width 0.5, without noise: kNN accuracy 36 %, 31 % after 156 steps, 43 % after 780).
 * --instance-noise makes the two kinds harder to tell at first (Sønderby et al., 2017; Arjovsky & Bottou, 2017).
 *
 * What differs from the paper: running statistics of D are of photographs alone, as those are what it embeds; images of 64 pixels and
 * more have further layers in D behind the encoder's, and in G before the last, so that both end at maps of 4 to 7 pixels; the
 * networks are as wide as --width says, where the paper's classifier has --width 4.
 */
export const gan = defineMethod({
  name: 'gan',
  about: 'a discriminator tells photographs from what a generator makes of noise; its layers are the encoder',
  paper: 'Radford et al., 2016, arXiv 1511.06434',
  options: {
    latentDim: count(1).max(4096).default(100).describe('numbers that the generator makes an image of (z)'),
    instanceNoise: share()
      .default(0)
      .describe(
        'deviation of Gaussian noise on all that the discriminator sees in training, falling to 0 at the end of the run',
      ),
  },
  recipe: {
    ...{ architecture: 'dcgan', normalize: 'half', optimizer: 'adam', lr: 2e-4, beta1: 0.5, weightDecay: 0 },
    ...{ batchSize: 128, epochs: 25, cropMin: 1, jitter: 0, grayscale: 0, blur: 0 },
  },
  short: { schedule: 'constant', warmupEpochs: 0, instanceNoise: 0.3 },

  check({ architecture, normalize, imageSize }, name) {
    const fault = (text: string) => new UserError(`method gan: ${text}`, 2);
    if (architecture !== 'dcgan')
      throw fault(`${name('architecture')} must be dcgan, not ${architecture}: the discriminator is the encoder`);
    if (normalize !== 'half')
      throw fault(`${name('normalize')} must be half, not ${normalize}: the generator's images are in −1 … 1`);
    if (imageSize % 8 !== 0)
      throw fault(`${name('imageSize')} must be a multiple of 8, not ${imageSize}: the generator doubles a small map`);
  },

  onlyAlone: () => 'it has two losses, of which the second sees what the first has changed',

  views: ({ imageSize: size, ...settings }) => [{ count: 1, size, augmentation: augmentationConfig(settings) }],

  create({ latentDim, instanceNoise, imageSize: size, width, seed, normalize, ...settings }, { training }) {
    const f = makeEncoder({ ...settings, width, seed, normalize });
    const d = new DcganDiscriminator('discriminator', { size, width, seed }, f);
    const generator = new DcganGenerator('generator', { size, width, seed, latentDim });
    const passing = { ...training, batchShare: 0 }; // statistics of the batch, which leave no trace in the running ones
    return {
      encoder: f,
      groups: [
        { name: 'discriminator', modules: [d] },
        { name: 'generator', modules: [generator] },
      ],
      step([x], feeds) {
        const made = generator.forward(
          feeds.rows('z', latentDim, (image, time) => noise(latentDim, image, time)),
          training,
        );
        const noisy = instanceNoise > 0 ? withNoise(instanceNoise, feeds) : (images: Tensor) => images;
        const [real, fake] = [d.forward(noisy(x), training), d.forward(noisy(detach(made)), passing)];
        const loss = discriminatorLoss(real, fake);
        return {
          losses: [
            ['discriminator', () => loss.loss],
            ['generator', () => generatorLoss(d.forward(noisy(made), passing))], // as the first update left D
          ],
          log: {
            lossReal: loss.real,
            lossFake: loss.fake,
            accuracyReal: takenForReal(real),
            accuracyFake: sub(1, takenForReal(fake)),
          },
        };
      },
      metrics: {
        loss_generator: {
          label: 'G',
          format: 'number',
          epoch: 'mean',
          note: `the generator's loss: log 2 = 0.693 where the discriminator cannot tell, whose own loss is 2 log 2 = 1.386 then`,
        },
        lossReal: { label: 'real', format: 'number', epoch: 'mean' },
        lossFake: { label: 'fake', format: 'number', epoch: 'mean' },
        accuracyReal: {
          label: 'acc real',
          format: 'percent',
          epoch: 'mean',
          note: 'photographs that the discriminator takes for such; of both kinds 50 % where it cannot tell',
        },
        accuracyFake: { label: 'acc fake', format: 'percent', epoch: 'mean' },
      },
      figures: [
        {
          kind: 'pictures',
          name: 'samples',
          record: ([x]) => ({ x, samples: generator.forward(fixedNoise(latentDim, seed), { training: false }) }),
          columns({ x, samples }) {
            const colours = normalization({ normalize });
            const pictures = toPixels(samples, size, colours);
            const made = Array.from({ length: rows }, (_, i) => ({
              label: i === 0 ? 'generated' : '',
              pictures: pictures.filter((_, at) => at % rows === i),
            }));
            return [{ label: 'photographs', pictures: toPixels(x, size, colours) }, ...made];
          },
        },
      ],
    };
  },
});

/** Images [N, S, S, 4] with noise of a deviation that falls linearly to 0 at the end of the run, other noise for each tensor. */
function withNoise(deviation: number, feeds: Feeds): (images: Tensor) => Tensor {
  const seeds = feeds.index('noise', ({ seed, step, first }) => random(seed, step, first, noiseDraw).below(2 ** 32));
  const now = feeds.scalar('deviation', ({ step, steps }) => deviation * (1 - (step - 1) / steps));
  const colours = constant('the three colours', Float32Array.of(1, 1, 1, 0), [1, 1, 1, 4]);
  return (images) => add(images, mul(mul(gaussianNoise(seeds, images.shape), colours), now));
}
/** Apart from the numbers of images, whose draws make z. */
const noiseDraw = 1;

/** U(−1, 1)^length, for an image of a step. */
function noise(length: number, image: number, { seed, step }: Pick<StepTime, 'seed' | 'step'>): Float32Array {
  const draw = random(seed, step, image);
  return Float32Array.from({ length }, () => 2 * draw.uniform() - 1);
}

/** Rows and columns of the figure. */
const rows = 8;

/** The same noise for every figure of a run: rows of step 0, which no training step has. */
const fixedNoise = (latentDim: number, seed: number): Tensor =>
  constant(
    'noise of the figure',
    Float32Array.from(
      Array.from({ length: rows * rows }, (_, i) => [...noise(latentDim, i, { seed, step: 0 })]).flat(),
    ),
    [rows * rows, latentDim],
  );
