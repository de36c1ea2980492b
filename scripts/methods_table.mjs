/**
 * Compares finished training runs, of other methods or settings: a Markdown table on standard output, and a chart of their kNN accuracy.
 *
 *   node scripts/methods_table.mjs --chart FILE.png [--untrained FOLDER] <label>=<run folder> …
 *
 * Linear accuracies are those of `eval linear`, where it has been run on a run's folder; `--untrained` is a folder of its results on an
 * encoder with its first weights.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const json = (file) => JSON.parse(readFileSync(file, 'utf8'));
const percent = (share) => (share === undefined ? '–' : (100 * share).toFixed(1));

/** The charts of reports, which are no part of the library. */
async function charts() {
  const root = resolve(import.meta.dirname, '..');
  const outfile = join(root, 'dist', 'charts.mjs');
  try {
    await build({
      ...{ entryPoints: [join(root, 'src/report/plot.ts')], outfile, bundle: true, logLevel: 'error' },
      ...{ platform: 'node', format: 'esm', packages: 'external' },
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(outfile, { force: true });
  }
}

/** Accuracy of `eval linear` in a folder of results; undefined where there is none. */
function linearIn(folder) {
  const file = join(folder, 'linear.json');
  return existsSync(file) ? json(file).testAccuracy.mean : undefined;
}

function readRun(word) {
  const at = word.indexOf('=');
  const [label, folder] = [word.slice(0, at), word.slice(at + 1)];
  const { settings } = json(join(folder, 'config.json'));
  const lines = readFileSync(join(folder, 'metrics.jsonl'), 'utf8').trim().split('\n').map(JSON.parse);
  const [{ knn: untrained }] = lines.filter(({ type }) => type === 'probe');
  const epochs = lines.filter(({ type }) => type === 'epoch');
  const probes = epochs.filter(({ knn }) => knn !== undefined);
  const { knn, step, loss, embeddingStd } = probes.at(-1);
  const linear = linearIn(join(folder, 'eval', 'linear'));
  return { label, settings, untrained, probes, knn, step, loss, embeddingStd, linear };
}

const { values, positionals } = parseArgs({
  options: { chart: { type: 'string' }, untrained: { type: 'string' } },
  allowPositionals: true,
});
const runs = positionals.map(readRun);
const cells = [
  ['method', 'steps', 'loss', 'std · √d', 'kNN %', 'linear probe %'],
  ['---', '---:', '---:', '---:', '---:', '---:'],
  ['untrained encoder', '0', '', '', percent(runs[0].untrained), percent(linearIn(values.untrained ?? ''))],
  ...runs.map(({ label, settings, step, loss, embeddingStd, knn, linear }) => [
    ...[label, step, loss.toFixed(3), (embeddingStd * Math.sqrt(settings.embeddingDim)).toFixed(2)],
    ...[percent(knn), percent(linear)],
  ]),
];
for (const row of cells) console.log(`| ${row.join(' | ')} |`);
if (values.chart) {
  const { lineChart } = await charts();
  const { png } = await lineChart({
    title: 'Nearest neighbours in the features',
    x: { label: 'epoch' },
    y: { label: 'test accuracy, %' },
    series: runs.map(({ label, probes, untrained }) => ({
      name: label,
      points: [[0, 100 * untrained], ...probes.map(({ epoch, knn }) => [epoch, 100 * knn])],
    })),
    reference: { name: 'untrained', y: 100 * runs[0].untrained },
  });
  writeFileSync(values.chart, png);
}
