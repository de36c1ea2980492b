/** What is done to the input of a denoising autoencoder (Vincent et al., 2010), whose output is to be the picture as it was. */
import { z } from 'zod';
import { normalization } from '../data/preparation.ts';
import { UserError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { constant } from '../graph/trace.ts';
import type { Naming } from '../io/checked.ts';
import { add } from '../ops/add.ts';
import { mul, sub } from '../ops/binary.ts';
import { dropout } from '../ops/dropout.ts';
import { gaussianNoise } from '../ops/gaussian_noise.ts';
import { expand } from '../ops/reduce.ts';
import type { Feeds } from './feeds.ts';
import { random } from './rng.ts';
import type { SharedSettings } from './settings.ts';

export const corruptions = ['none', 'gaussian', 'masking', 'salt-pepper'] as const;

export const corruptionOptions = {
  corruption: z
    .enum(corruptions)
    .default('none')
    .describe(
      'what is done to the input: gaussian (noise), masking (pixels become 0, as they are normalised), salt-pepper (pixels become white or black); none: a plain autoencoder',
    ),
  corruptionLevel: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.25)
    .describe('the standard deviation of the noise, where colours are from 0 to 1, or the share of pixels'),
};

type CorruptionSettings = Pick<SharedSettings, 'normalize'> & Readonly<z.infer<z.ZodObject<typeof corruptionOptions>>>;

/** UserError: a level of nothing. */
export function checkCorruption({ corruption }: CorruptionSettings, name: Naming, given: (setting: string) => boolean) {
  if (corruption !== 'none' || !given('corruptionLevel')) return;
  throw new UserError(`${name('corruptionLevel')} needs ${name('corruption')}, which is none`, 2);
}

/**
 * Normalised views [N, S, S, 4], corrupted: other pixels in every step, the three colours of a pixel together, and each with noise of its
 * own. Views of no corruption are the same tensor.
 */
export function corrupt(views: Tensor, feeds: Feeds, settings: CorruptionSettings): Tensor {
  const { corruption, corruptionLevel: level } = settings;
  if (corruption === 'none') return views;
  const { mean, std } = normalization(settings);
  // Processes that share a batch draw apart, each for its own images.
  const seeds = feeds.index('seed of the corruption', ({ seed, step, first }) =>
    random(seed, step, ...(first > 0 ? [first] : [])).below(2 ** 32),
  );
  const colour = (value: number) =>
    constant(
      `colour of ${value}`,
      Float32Array.from([0, 1, 2, 3], (c) => (c < 3 ? (value - mean[c]) / std[c] : 0)),
    );
  /** `[N, S, S, 1]`: 1 of a share of pixels, 0 of the others. */
  const share = (p: number) => {
    const ones = expand(constant('one', Float32Array.of(1), [1, 1, 1, 1]), views.shape.with(3, 1));
    return mul(dropout(ones, { p: 1 - p, seeds }), p);
  };
  switch (corruption) {
    case 'gaussian': {
      const deviation = Float32Array.from([0, 1, 2, 3], (c) => (c < 3 ? level / std[c] : 0));
      return add(views, mul(gaussianNoise(seeds, views.shape), constant('deviation of noise', deviation)));
    }
    case 'masking':
      return mul(views, share(1 - level));
    case 'salt-pepper': {
      const [kept, salt] = [share(1 - level), share(0.5)];
      const grains = add(colour(0), mul(salt, sub(colour(1), colour(0))));
      return add(mul(views, kept), mul(grains, sub(1, kept)));
    }
    default:
      return corruption satisfies never;
  }
}
