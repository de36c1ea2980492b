import { swav } from '../../src/methods/swav.ts';
import { testMethod } from './harness.ts';

// Half an epoch without gradient to the prototypes, a queue that wraps and is used in the second epoch.
testMethod(swav, {
  ...{ prototypes: 6, embeddingDim: 8, headWidth: 16, localCrops: 2 },
  ...{ queueSize: 8, queueEpoch: 1, frozenEpochs: 0.5 },
});
