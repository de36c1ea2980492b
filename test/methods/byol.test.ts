import { byol } from '../../src/methods/byol.ts';
import { testMethod } from './harness.ts';

testMethod(byol);
