/** The network and the settings of the published experiment, but for the sizes. */
import { testSameNumbers } from './same_numbers.ts';

testSameNumbers('resnet18', { imageSize: 48, batchSize: 8, steps: 2 }, 16);
