/** Pairs of views, the first of which are mixed: what a contrastive method asks for in place of pairs. */

import { UserError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Naming } from '../io/checked.ts';
import { iMix } from '../losses/i_mix.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { concat, slice } from '../ops/strided_copy.ts';
import type { Contrast, ContrastiveSettings } from './contrastive.ts';
import type { Feeds } from './feeds.ts';
import type { Build } from './method.ts';
import { accuracy } from './metrics.ts';
import { type Mixing, mixPartners, mixShare, mixViews } from './mixing.ts';

/**
 * Two views of each image, [2N, size, size, 4]: the first N mixed with one another; nothing where `mix` is none. In micro-batches each picture is
 * mixed with one of its own: with an even number of images in each, the step is that of the whole batch in another order.
 */
export function mixFirstViews(views: Tensor, feeds: Feeds, mixing: Mixing): Tensor {
  if (mixing.mix === 'none') return views;
  const half = views.shape[0] / 2;
  return concat([mixViews(slice(views, 0, 0, half), feeds, mixing), slice(views, 0, half)], 0);
}

interface MixedPairSettings extends ContrastiveSettings, Mixing {
  readonly imageSize: number;
  /** Images that went through `mixFirstViews` at once; 0: all. */
  readonly microBatch: number;
}

/** UserError (usage): mixed views have a loss of their own, and are made of two pictures. */
export function checkMixedPairs(
  { mix, loss, positives, temperatureEnd, microBatch }: MixedPairSettings,
  name: Naming,
): void {
  if (mix !== 'none' && microBatch === 1) {
    const both = `${name('mix')} ${mix} mixes pictures that pass at once`;
    throw new UserError(`${both}, and there is only one; use a ${name('microBatch')} of 2 or more`, 2);
  }
  if (mix === 'none' || (loss === 'nt-xent' && positives === 0 && temperatureEnd === 0)) return;
  const others = [name('loss'), name('positives'), name('temperatureEnd')].join(', ');
  throw new UserError(`${name('mix')} ${mix} has a loss of its own; omit ${others}`, 2);
}

/** i-Mix of embeddings z [2N, D] of such views, in place of `contrast`: the mixed ones look for their images among the others. */
export function contrastMixed(settings: MixedPairSettings, { batchSize: n }: Pick<Build, 'batchSize'>): Contrast {
  const partner = mixPartners(n, settings.microBatch || n);
  return {
    compare(z, feeds) {
      const unit = l2Normalize(z);
      const [q, k] = [slice(unit, 0, 0, n), slice(unit, 0, n)];
      const share = mixShare(feeds, settings, settings.imageSize);
      const { loss, accuracy } = iMix(q, k, { share, partner, temperature: settings.temperature });
      return { loss, unit, log: { accuracy } };
    },
    metrics: { accuracy },
    chance: {
      loss: Math.log(n),
      formula: 'log N',
      accuracy: 1 / n,
      note: `a view’s pair among ${n} views`,
      meaning: 'the model does not distinguish views of one image from those of others',
    },
    discriminatesImages: true,
  };
}
