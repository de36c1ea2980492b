import { moco } from '../../src/methods/moco.ts';
import { testMethod } from './harness.ts';

// Maps of 2 × 2 in the last layers: a part of two images would have two rows there, whose batch norm is ill-conditioned.
testMethod(moco, { queueSize: 12, batchNormSplits: 2, stem: 'cifar' });
