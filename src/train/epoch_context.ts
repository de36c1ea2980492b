import { clusterRows, kMeans } from '../analysis/kmeans.ts';
import { nearestOthers } from '../analysis/knn.ts';
import type { State } from '../graph/state.ts';
import type { EpochContext } from '../ssl/method.ts';

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
