/** Colours of patches, without those that tell where in the image a patch was. */
import { normalization } from '../data/preparation.ts';
import type { Tensor } from '../graph/tensor.ts';
import { constant } from '../graph/trace.ts';
import { standardized } from '../nn/seeing_encoder.ts';
import { add } from '../ops/add.ts';
import { mul, sub } from '../ops/binary.ts';
import { gaussianNoise } from '../ops/gaussian_noise.ts';
import { linear } from '../ops/linear.ts';
import { reshape } from '../ops/reshape.ts';
import type { Feeds } from './feeds.ts';
import { random } from './rng.ts';
import type { SharedSettings } from './settings.ts';

export const patchColourings = ['drop', 'project', 'keep'] as const;
export type PatchColouring = (typeof patchColourings)[number];

/**
 * Views of patches [views · N, s, s, 4] with mean 0 and deviation 1 of each channel, after Doersch et al. (2015), §3.1: lenses bend colours by
 * different amounts, so that fringes of green and magenta tell where in the image a patch was.
 *
 *   drop     one channel stays, another one in each patch and epoch; the others become noise of 1/100 of its deviation. It is three times as
 *            large then, as a channel stands for the three of evaluation, which are much alike
 *   project  colours are projected along a = (−1, 2, −1), green against magenta:  c − (c · a) a / |a|²
 *   keep     colours as they are
 */
export function patchColours(
  patches: Tensor,
  colouring: PatchColouring,
  views: number,
  feeds: Feeds,
  settings: Pick<SharedSettings, 'normalize'>,
): Tensor {
  if (colouring === 'drop') return dropChannels(standardized(patches), views, feeds);
  return standardized(colouring === 'project' ? projectGreen(patches, settings) : patches);
}

function dropChannels(patches: Tensor, views: number, feeds: Feeds): Tensor {
  const kept = feeds.views('kept channel', views, 4, (image, { seed, epoch }, view) => {
    const channel = random(seed, epoch, image, keptDraw + view).below(3);
    return [0, 1, 2, 3].map((c) => Number(c === channel));
  });
  const mask = reshape(kept, [kept.shape[0], 1, 1, 4]);
  const rest = sub(constant('the three colours', Float32Array.of(1, 1, 1, 0), [1, 1, 1, 4]), mask);
  const seeds = feeds.index('noise', ({ seed, step, first }) => random(seed, step, first).below(2 ** 32));
  const noise = mul(gaussianNoise(seeds, patches.shape), 0.01);
  return mul(add(mul(patches, mask), mul(noise, rest)), 3);
}
/** Above the numbers of views, which are the draws of where patches lie. */
const keptDraw = 100;

/** c − (c · a) a / |a|² of colours c as they are in the image; its constant part falls out where patches are normalised. */
function projectGreen(patches: Tensor, settings: Pick<SharedSettings, 'normalize'>): Tensor {
  const { std } = normalization(settings);
  const a = [-1, 2, -1];
  const weight = new Float32Array(16);
  for (let out = 0; out < 3; out++)
    for (let from = 0; from < 3; from++)
      weight[4 * out + from] = (Number(out === from) - (a[out] * a[from]) / 6) * (std[from] / std[out]);
  const rows = reshape(patches, [patches.size / 4, 4]);
  return reshape(linear(rows, constant('projection of colours', weight, [4, 4])), patches.shape);
}
