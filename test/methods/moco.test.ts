import { moco, mocoV1 } from '../../src/methods/moco.ts';
import { testMethod } from './harness.ts';

// Maps of 2 × 2 in the last layers: a part of two images would have two rows there, whose batch norm is ill-conditioned.
const sizes = { batchNormSplits: 2, stem: 'cifar' } as const;

testMethod(moco, { ...sizes, queueSize: 12 });
testMethod(mocoV1, { ...sizes, queueSize: 16, symmetric: true });
