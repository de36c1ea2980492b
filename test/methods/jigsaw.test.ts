import { jigsaw } from '../../src/methods/jigsaw.ts';
import { testMethod } from './harness.ts';

testMethod(jigsaw, { headWidth: 16, permutations: 8 });
