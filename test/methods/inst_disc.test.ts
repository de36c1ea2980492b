import { instDisc } from '../../src/methods/inst_disc.ts';
import { testMethod } from './harness.ts';

testMethod(instDisc);
