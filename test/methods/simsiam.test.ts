import { simsiam } from '../../src/methods/simsiam.ts';
import { testMethod } from './harness.ts';

testMethod(simsiam);
