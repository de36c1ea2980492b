import { relativePatch } from '../../src/methods/relative_patch.ts';
import { testMethod } from './harness.ts';

testMethod(relativePatch, { headWidth: 16 });
