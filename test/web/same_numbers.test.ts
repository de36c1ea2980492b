/** A narrow network; `same_numbers.full.test.ts` has the published one. */
import { testSameNumbers } from './same_numbers.ts';

testSameNumbers('resnet18 of width 0.25', { imageSize: 32, batchSize: 8, width: 0.25, steps: 3, temperature: 0.5 }, 24);
