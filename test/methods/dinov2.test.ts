/** What DINOv2 adds to DINO. */
import { dino } from '../../src/methods/dino.ts';
import { testMethod } from './harness.ts';

testMethod(dino, {
  ...{ outputs: 12, embeddingDim: 8, headWidth: 16, localCrops: 0, frozenEpochs: 0.5 },
  ...{ centering: 'sinkhorn', koleoWeight: 0.1 },
});
