/**
 * The packed tests: `main.js [--full] [word…]` runs the tests that have all words in the path of their file or in their name (a word
 * with a slash is for paths only), file by file, each in a process of its own. The long ones, in `*.full.test.js`, run with --full
 * only. Ends with the number of passed and failed tests; exit code 1 when one failed or none was found.
 */
import { fork } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runFile } from './file.mjs';

const folder = import.meta.dirname;
/** Of what a file's process prints, as much as is kept to explain a failure. */
const keptOutput = 20_000;

/** @returns {Promise<{ outcomes: import('./file.mjs').Outcome[], output: string }>} */
function runApart(file, words) {
  const child = fork(join(folder, 'main.js'), ['--file', file, ...words], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let outcomes;
  let output = '';
  const keep = (chunk) => {
    output = (output + chunk).slice(-keptOutput);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  child.on('message', (message) => {
    outcomes = message;
  });
  return new Promise((settle) => {
    child.on('close', (code, signal) => {
      const end = signal ? `was ended by ${signal}` : `ended with code ${code}`;
      const broken = [{ name: file, state: 'fail', errors: [`its process ${end} before its tests did`] }];
      settle({ outcomes: outcomes ?? broken, output });
    });
  });
}

const count = (outcomes, state) => outcomes.filter((outcome) => outcome.state === state).length;
const indent = (text) => text.replaceAll(/^/gm, '    ');

function describeFile(file, { outcomes, output }, seconds) {
  const [passed, failed, skipped] = ['pass', 'fail', 'skip'].map((state) => count(outcomes, state));
  const parts = [
    `${passed} passed`,
    ...(failed ? [`${failed} FAILED`] : []),
    ...(skipped ? [`${skipped} skipped`] : []),
  ];
  const lines = [`${file.replace(/\.test\.js$/, '').padEnd(28)} ${parts.join(', ')}  (${seconds.toFixed(1)} s)`];
  for (const { name, errors } of outcomes.filter(({ state }) => state === 'fail')) {
    lines.push(`  failed: ${name}`, ...errors.map(indent));
  }
  for (const { name } of outcomes.filter(({ state }) => state === 'skip')) lines.push(`  skipped: ${name}`);
  if (failed && output.trim()) lines.push('  what the file printed:', indent(output.trim()));
  return lines.join('\n');
}

/** @returns {string[]} the files of the suite whose path has each of `paths` in it */
function testFiles(full, paths) {
  const inSuite = (file) => file.endsWith('.test.js') && (full || !file.endsWith('.full.test.js'));
  return readdirSync(folder, { recursive: true })
    .filter((file) => inSuite(file) && paths.every((path) => file.includes(path)))
    .sort();
}

async function runAll(full, words) {
  const paths = words.filter((word) => word.includes('/'));
  const files = testFiles(full, paths);
  const all = [];
  for (const file of files) {
    const start = performance.now();
    const result = await runApart(file, words);
    if (result.outcomes.length === 0) continue;
    all.push(...result.outcomes);
    console.log(describeFile(file, result, (performance.now() - start) / 1000));
  }
  const failed = count(all, 'fail');
  if (all.length === 0)
    console.log(`no test has ${words.map((word) => `'${word}'`).join(' and ')} in its name or file`);
  console.log(`${count(all, 'pass')} passed, ${failed} failed`);
  process.exitCode = failed > 0 || all.length === 0 ? 1 : 0;
}

const given = process.argv.slice(2);
if (given[0] === '--file') await runFile(join(folder, given[1]), given.slice(2));
else {
  const words = given.filter((word) => word !== '--full');
  await runAll(words.length < given.length, words);
}
