import { simsiam } from '../../src/methods/simsiam.ts';
import { testMethod } from './harness.ts';

testMethod(simsiam, { embeddingDim: 64, projectorWidth: 64, predictorWidth: 16 });
