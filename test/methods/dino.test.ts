import { dino } from '../../src/methods/dino.ts';
import { testMethod } from './harness.ts';

// Half an epoch in which the last layer is frozen, τt that changes with the epoch.
testMethod(dino, {
  ...{ outputs: 12, embeddingDim: 8, headWidth: 16, localCrops: 2, frozenEpochs: 0.5 },
  ...{ teacherTemperatureEnd: 0.07, teacherTemperatureEpochs: 2, weightDecayFactor: 10 },
});
