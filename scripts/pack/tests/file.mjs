/** Runs the tests of one file in this process and sends what came of them to the parent: a Dawn device ends with its process. */
import { relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { startTests } from '@vitest/runner';
import { getTestName } from '@vitest/runner/utils';
import { config } from './vitest.mjs';

/**
 * @typedef {object} Outcome
 * @property {string} name of the test, with those of its groups
 * @property {'pass' | 'fail' | 'skip'} state
 * @property {string[]} errors
 */

/** @param {string} text @returns {string} a pattern that matches it as it stands */
const literally = (text) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** @param {readonly string[]} words @returns {RegExp} matches names that have all words, in any case */
const withAll = (words) => new RegExp(words.map((word) => `(?=[^]*${literally(word)})`).join(''), 'i');

const messages = (result) => (result?.errors ?? []).map(({ message, stack }) => `${message}${place(stack)}`);

/** The line of the test that failed: the first of the stack that is in a packed test. */
function place(stack) {
  const line = stack?.split('\n').find((text) => /\.test\.js:/.test(text));
  return line ? `\n${line}` : '';
}

/** A test that should have run and did not (a hook before it failed) has failed. */
function outcomeOf(test) {
  const skipped = test.mode === 'skip' || test.mode === 'todo' || test.result?.state === 'skip';
  const state = skipped ? 'skip' : test.result?.state === 'pass' ? 'pass' : 'fail';
  const note = skipped && test.result?.note ? ` (skipped: ${test.result.note})` : '';
  return { name: `${getTestName(test)}${note}`, state, errors: messages(test.result) };
}

/** @returns {Outcome[]} of a group: its tests' and, when its hooks or its file failed, its own */
function outcomes(group, wanted) {
  const own = messages(group.result);
  return [
    ...(own.length > 0 ? [{ name: group.name, state: 'fail', errors: own }] : []),
    ...group.tasks.flatMap((task) => {
      if (task.type === 'suite') return outcomes(task, wanted);
      return wanted.test(getTestName(task, ' ')) ? [outcomeOf(task)] : [];
    }),
  ];
}

/**
 * @param {string} file the packed test
 * @param {readonly string[]} words in the path of the file or in the name of a test, all of them
 */
export async function runFile(file, words) {
  const wanted = withAll(
    words.filter((word) => !relative(config.root, file).toLowerCase().includes(word.toLowerCase())),
  );
  config.testNamePattern = wanted;
  const importFile = (path) => import(pathToFileURL(path).href);
  const [task] = await startTests([{ filepath: file, testLocations: undefined }], { config, importFile });
  await new Promise((sent) => process.send(outcomes(task, wanted), sent));
  // Dawn keeps the process alive as long as its device is referenced.
  process.exit();
}
