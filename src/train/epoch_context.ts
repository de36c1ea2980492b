import { nearestOthers } from '../analysis/knn.ts';
import type { State } from '../graph/state.ts';
import type { EpochContext } from '../ssl/method.ts';

/** What an epoch begins with, on a device. */
export const epochContext = (state: State, given: Omit<EpochContext, 'nearest'>): EpochContext => ({
  ...given,
  nearest: (features, k) => nearestOthers(state, features, features.length / given.images.count, k),
});
