/**
 * Prints a Markdown table of finished training runs: how far each moved the kNN probe, and with which settings.
 *
 *   node scripts/recipe_table.mjs <label>=<run folder> …
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const json = (file) => JSON.parse(readFileSync(file, 'utf8'));
const percent = (share) => (100 * share).toFixed(1);

function row([label, folder]) {
  const { settings } = json(join(folder, 'config.json'));
  const lines = readFileSync(join(folder, 'metrics.jsonl'), 'utf8').trim().split('\n').map(JSON.parse);
  const [{ knn: untrained }] = lines.filter(({ type }) => type === 'probe');
  const { knn, step, loss } = lines.filter(({ type, knn }) => type === 'epoch' && knn !== undefined).at(-1);
  return { label, settings, step, untrained, knn, loss };
}

const rows = process.argv.slice(2).map((word) => row(word.split('=')));
const names = Object.keys(rows[0]?.settings ?? {});
const skipped = new Set(['steps', 'epochs', 'keep', 'checkpointEvery', 'checkpointSteps', 'figureEvery', 'knnEvery']);
const varied = names.filter(
  (name) => !skipped.has(name) && new Set(rows.map(({ settings }) => settings[name])).size > 1,
);
const table = [
  ['pictures', 'steps', ...varied, 'untrained', 'trained', 'gain', 'loss'],
  ['---', ...Array(varied.length + 5).fill('---:')],
  ...rows.map(({ label, settings, step, untrained, knn, loss }) => [
    label,
    step,
    ...varied.map((name) => settings[name]),
    percent(untrained),
    percent(knn),
    percent(knn - untrained),
    loss.toFixed(2),
  ]),
];
for (const cells of table) console.log(`| ${cells.join(' | ')} |`);
const same = names.filter((name) => !skipped.has(name) && !varied.includes(name));
console.log(`\nThe same in all: ${same.map((name) => `${name} ${rows[0].settings[name]}`).join(', ')}.`);
