import { supervised } from '../../src/methods/supervised.ts';
import { testMethod } from './harness.ts';

testMethod(supervised);
