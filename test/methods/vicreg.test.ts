import { vicreg } from '../../src/methods/vicreg.ts';
import { testMethod } from './harness.ts';

testMethod(vicreg, { embeddingDim: 64, projectorWidth: 64 });
