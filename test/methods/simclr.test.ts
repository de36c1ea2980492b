import { simclr } from '../../src/methods/simclr.ts';
import { testMethod } from './harness.ts';

testMethod(simclr);
