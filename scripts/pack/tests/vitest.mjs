/**
 * What packed tests get for `import … from 'vitest'`: vitest's own runner and matchers, without the parts that need vite, worker
 * threads and a node_modules. A name that is not here fails when tests are packed, not on the machine without internet.
 */
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  setState,
} from '@vitest/expect';
import { getCurrentTest } from '@vitest/runner';
import * as chai from 'chai';

export { afterAll, afterEach, beforeAll, beforeEach, describe, it, test } from '@vitest/runner';

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);

/** Like vitest's: an assertion knows the test it is made in. */
export const expect = Object.assign((value, message) => {
  const assertion = chai.expect(value, message);
  const current = getCurrentTest();
  return current ? assertion.withTest(current) : assertion;
}, chai.expect);
Object.assign(expect, globalThis[ASYMMETRIC_MATCHERS_OBJECT]);
setState({ assertionCalls: 0, isExpectingAssertions: false, expectedAssertionsNumber: null }, expect);

/** Settings of the runner, with the limits of this project's vitest.config.ts. */
export const config = {
  root: import.meta.dirname,
  setupFiles: [],
  passWithNoTests: true,
  allowOnly: false,
  sequence: { shuffle: false, concurrent: false, seed: 0, hooks: 'stack', setupFiles: 'list' },
  maxConcurrency: 1,
  testTimeout: 120_000,
  hookTimeout: 120_000,
  retry: 0,
};

/** What puts mocked functions back. */
const mocked = new Set();

/** Replaces functions of objects for a while, as far as the suite does so. */
function spyOn(object, name) {
  const original = object[name];
  const mockRestore = () => {
    object[name] = original;
    mocked.delete(mockRestore);
  };
  mocked.add(mockRestore);
  const spy = {
    mockRestore,
    mockImplementation: (implementation) => {
      object[name] = implementation;
      return spy;
    },
  };
  return spy;
}

export const vi = {
  setConfig: (changes) => void Object.assign(config, changes),
  spyOn,
  restoreAllMocks: () => {
    for (const restore of mocked) restore();
  },
};
