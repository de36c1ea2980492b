/** Methods whose views are mixed. */
import { moco } from '../../src/methods/moco.ts';
import { simclr } from '../../src/methods/simclr.ts';
import { supervised } from '../../src/methods/supervised.ts';
import { testMethod } from './harness.ts';

testMethod(simclr, { mix: 'mixup' });
testMethod(moco, { batchNormSplits: 2, stem: 'cifar', queueSize: 16, symmetric: true, mix: 'cutmix' });
testMethod(supervised, { mix: 'cutmix', mixAlpha: 0.5 });
