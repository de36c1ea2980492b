/** Pairs of views, the first of which are mixed: what a contrastive method asks for in place of pairs. */
import type { Tensor } from '../graph/tensor.ts';
import { iMix } from '../losses/i_mix.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { concat, slice } from '../ops/strided_copy.ts';
import type { Feeds } from './feeds.ts';
import { type Mixing, mixPartners, mixShare, mixViews } from './mixing.ts';

/** Two views of each image, [2N, size, size, 4]: the first N mixed with one another; nothing where `mix` is none. */
export function mixFirstViews(views: Tensor, feeds: Feeds, mixing: Mixing): Tensor {
  if (mixing.mix === 'none') return views;
  const half = views.shape[0] / 2;
  return concat([mixViews(slice(views, 0, 0, half), feeds, mixing), slice(views, 0, half)], 0);
}

interface MixedPairSettings extends Mixing {
  readonly temperature: number;
  readonly imageSize: number;
  /** Images that went through `mixFirstViews` at once; 0: all. */
  readonly microBatch: number;
}

/** i-Mix of embeddings z [2N, D] of such views: the mixed ones look for their images among the others. */
export function mixedPairs(z: Tensor, feeds: Feeds, settings: MixedPairSettings) {
  const unit = l2Normalize(z);
  const half = z.shape[0] / 2;
  const [q, k] = [slice(unit, 0, 0, half), slice(unit, 0, half)];
  const partner = mixPartners(half, settings.microBatch || half);
  const share = mixShare(feeds, settings, settings.imageSize);
  return { ...iMix(q, k, { share, partner, temperature: settings.temperature }), unit };
}
