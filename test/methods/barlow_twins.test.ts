import { barlowTwins } from '../../src/methods/barlow_twins.ts';
import { testMethod } from './harness.ts';

testMethod(barlowTwins, { embeddingDim: 64, projectorWidth: 64 });
