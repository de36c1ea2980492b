import { triplet } from '../../src/losses/triplet.ts';
import { checkWithGradients } from './harness.ts';

export default checkWithGradients(['anchor', 'positive', 'negative'], ([anchor, positive, negative], file) => {
  const distance = file.metadata['distance'] as 'squared' | 'euclidean';
  return triplet(anchor, positive, negative, { margin: file.number('margin'), distance });
});
