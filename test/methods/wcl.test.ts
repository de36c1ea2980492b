import { wcl } from '../../src/methods/wcl.ts';
import { testMethod } from './harness.ts';

/** Of two epochs the second has small crops of neighbours. */
const sizes = { neighbors: 3, neighborWarmup: 1, smallCrops: 2, headWidth: 32, embeddingDim: 16 };
testMethod(wcl, sizes);
