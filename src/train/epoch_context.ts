import { clusterRows, kMeans } from '../analysis/kmeans.ts';
import { nearestOthers } from '../analysis/knn.ts';
import { imagesOf } from '../data/source.ts';
import type { State } from '../graph/state.ts';
import type { EpochContext } from '../ssl/method.ts';
import type { Training } from './learner.ts';

type Given = Omit<EpochContext, 'nearest' | 'clustersOf' | 'centresOf'> &
  Partial<Pick<EpochContext, 'clustersOf'>> & { readonly seed: number };

/** What an epoch begins with, on a device. */
export const epochContext = (state: State, { seed, ...given }: Given): EpochContext => ({
  nearest: (features, k) => nearestOthers(state, features, features.length / given.images.count, k),
  clustersOf: (rows, clusters) => clusterRows(rows, given.images.count, clusters, seed),
  centresOf: (rows, dimensions, clusters) =>
    Float32Array.from(kMeans(rows, dimensions, { clusters, restarts: 1, iterations: 100, seed }).centres),
  ...given,
});

/** Has an epoch begin whose steps are only measured: features are zeros, and all images of one cluster, as there may be fewer than clusters. */
export async function beginMeasured(state: State, { step, learner, source, settings }: Training): Promise<void> {
  if (!learner.beforeEpoch) return;
  const { set: images } = imagesOf(source);
  const features = () => Promise.resolve(new Float32Array(images.count * learner.encoder.dimensions));
  const clustersOf = () => new Uint32Array(images.count);
  const { seed } = settings;
  await step.beginEpoch(epochContext(state, { epoch: 0, images, features, clustersOf, before: {}, seed }));
}
