/** A step in two parts, so that a large batch may pass in micro-batches, or be shared by several processes. */
import type { Tensor } from '../graph/tensor.ts';
import type { Mode } from '../nn/module.ts';
import { concat } from '../ops/strided_copy.ts';
import type { Feeds } from './feeds.ts';
import type { Learner } from './method.ts';

/**
 * A step whose loss needs the embeddings of the whole batch, and nothing else of it. Its parts are recorded in one program or in several,
 * so that they share nothing but z and what the learner keeps; feeds have names of their own in all of them.
 */
export interface Split {
  /** What a step does once, before any image is seen: a teacher follows. */
  before?(feeds: Feeds): void;
  /** Views of M images to z [V · M, …], the V views of an image in rows i, i + M, …; M is N or a part of it. */
  embed(views: readonly Tensor[], feeds: Feeds, mode: Mode): Tensor;
  /**
   * Further rows of z, [W · M, …] behind those of `embed`: what networks that are not trained make of the views. No gradient passes them, and
   * they see a piece of the batch once where the others see it twice.
   */
  targets?(views: readonly Tensor[], feeds: Feeds, mode: Mode): Tensor;
  /** z [(V + W) · N, …] to the loss of the only group. */
  compare(z: Tensor, feeds: Feeds): { readonly loss: Tensor; readonly log?: Readonly<Record<string, Tensor>> };
  /** Recorded behind the update, as `Step.after` is: a queue takes rows of z. */
  after?(z: Tensor, feeds: Feeds, made: Tensor): void;
}

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

/** Rows of z, and those behind them of which no gradient is needed. */
export function withTargets(split: Split, views: readonly Tensor[], feeds: Feeds, z: Tensor, mode: Mode): Tensor {
  const targets = split.targets?.(views, feeds, mode);
  return targets ? concat([z, targets], 0) : z;
}
