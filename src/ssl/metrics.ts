/** Numbers that many methods log. */
import type { Chance, Metric } from './method.ts';

/** Share of a batch that is right: `acc`, a mean over the epoch. */
export const accuracy: Metric = { label: 'acc', format: 'percent', epoch: 'mean' };

/**
 * log N − loss of a softmax over the N views that may be a view's pair: a lower bound of the mutual information of two views (van den
 * Oord et al., 2018, eq. 9). That of NT-Xent, whose softmax has the other images' views of the same kind too, is larger, so that its
 * bound is lower and holds.
 */
export const informationBound: Metric = {
  label: 'MI ≥',
  format: 'number',
  epoch: 'mean',
  note: 'log N − loss: a lower bound of the mutual information of two views, in nats; at most log N',
};

/**
 * `columnStd` of unit embeddings of so many dimensions: the standard deviation over the batch of each dimension, averaged over the
 * dimensions. About 1/√d where they point everywhere, 0 where they are all equal (Chen & He, 2021); embeddings
 * of a few directions only may have any value between, up to 1/√d.
 */
export function embeddingStd(dimensions: number): Metric {
  const healthy = { value: 1 / Math.sqrt(dimensions), formula: `1/√${dimensions}` };
  const note = `of the embeddings: about ${healthy.formula} = ${healthy.value.toFixed(3)} when healthy, 0 when collapsed`;
  return { label: 'std', format: 'number', epoch: 'last', note, healthy };
}

/** What guessing one of so many equally likely classes gives, by softmax cross-entropy. */
export const chanceOfClasses = (classes: number, rest: Omit<Chance, 'loss' | 'formula' | 'accuracy'>): Chance => ({
  ...{ loss: Math.log(classes), formula: `log(${classes})`, accuracy: 1 / classes },
  ...rest,
});
