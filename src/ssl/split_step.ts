/** A step in two parts, so that a large batch may pass in micro-batches, or be shared by several processes. */
import type { Tensor } from '../graph/tensor.ts';
import type { Mode } from '../nn/module.ts';
import { detach } from '../ops/detach.ts';
import { concat } from '../ops/strided_copy.ts';
import type { Feeds } from './feeds.ts';
import type { Learner, Split } from './method.ts';

/** `step` and `split` of a learner with one group, `main`. */
export const splitStep = (split: Split, training: Mode): Pick<Learner, 'step' | 'split'> => ({
  split,
  step(views, feeds) {
    split.before?.(feeds);
    const z = withTargets(split, views, feeds, split.embed(views, feeds, training), training);
    const { loss, log } = split.compare(z, feeds);
    return {
      losses: [['main', () => loss]],
      ...(log && { log }),
      ...(split.after && { after: (made) => split.after?.(z, feeds, made) }),
    };
  },
});

/** Embeddings of the views of each group by themselves, those of one group behind the other's: batch norm sees no two kinds of views at once. */
export const eachView = (views: readonly Tensor[], embed: (view: Tensor) => Tensor): Tensor =>
  concat(views.map(embed), 0);

/** Rows of z, and those behind them of which no gradient is needed. */
export function withTargets(split: Split, views: readonly Tensor[], feeds: Feeds, z: Tensor, mode: Mode): Tensor {
  const targets = split.targets?.(views, feeds, mode);
  return targets ? concat([z, detach(targets)], 0) : z;
}
