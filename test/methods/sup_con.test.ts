import { supCon } from '../../src/methods/sup_con.ts';
import { testMethod } from './harness.ts';

testMethod(supCon);
