import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { type CompareEvents, runComparison } from '../compare/comparison.ts';
import {
  type ComparisonConfig,
  configFile,
  holdsComparison,
  type Measuring,
  readComparison,
  withBudget,
} from '../compare/config.ts';
import { writeComparisonReport } from '../compare/report.ts';
import type { Results } from '../compare/results.ts';
import { parseEach, storedAs, variants } from '../compare/variants.ts';
import type { Dataset } from '../data/dataset.ts';
import { inventoryDigest } from '../data/inventory.ts';
import { UserError } from '../errors.ts';
import { StagesFolder } from '../experiment/experiment_folder.ts';
import { softwareSupervised } from '../experiment/experiment_settings.ts';
import type { Gpu } from '../gpu/device.ts';
import { checkPrecision } from '../ops/precision.ts';
import { checkImages } from '../train/learner.ts';
import { checkSameImages } from '../train/same_images.ts';
import { supervisedSettings } from '../train/supervised_settings.ts';
import { commandWords, stopOnSignals } from './common.ts';
import {
  addCompareOptions,
  budgetGiven,
  type CompareOptions,
  checkResumed,
  sharedGiven,
  variantsGiven,
} from './compare_options.ts';
import { announceComparison, printComparison, printComparisonResults } from './compare_output.ts';
import { complain } from './complain.ts';
import { chooseKernels, openAdapter } from './device.ts';
import { Reached } from './experiment_reached.ts';
import { reopening } from './reopen.ts';
import { Terminal } from './terminal.ts';
import { defaultData, hasStl10, openData } from './train_data.ts';

/** `simclr compare`: several methods, or several values of a setting, on the same images, with the same budget. */
export const compareCommand = (): Command =>
  addCompareOptions(
    new Command('compare').description(
      'train methods, or settings of one, with an equal budget, and report which is best',
    ),
  ).action(runCommand);

async function runCommand(options: CompareOptions): Promise<void> {
  const terminal = new Terminal();
  if (options.resume === undefined) return runNew(options, terminal);
  checkResumed(options);
  const out = options.resume;
  const found = readComparison(out);
  const folder = StagesFolder.open(out, configFile);
  try {
    const gpu = await openAdapter(options.adapter, found.adapter);
    await runStages(gpu, await continued(found, out, options, terminal), out, options, terminal);
  } finally {
    folder.close();
  }
}

const timestamp = (): string => new Date().toISOString().slice(0, 19).replace('T', '_').replaceAll(':', '-');

async function runNew(options: CompareOptions, terminal: Terminal): Promise<void> {
  check(options);
  const out = options.out ?? join('runs', `compare-${timestamp()}`);
  if (holdsComparison(out)) {
    throw new UserError(
      `${out}: already contains a comparison; continue it with --resume ${out}, or choose another --out`,
    );
  }
  StagesFolder.checkFree(out);
  const gpu = await openAdapter(options.adapter);
  const opened = await begun(gpu, options, terminal);
  const folder = StagesFolder.create(out, configFile, opened.config, opened.dataset.files);
  try {
    await runStages(gpu, opened, out, options, terminal);
  } catch (error) {
    folder.discard();
    throw error;
  }
  folder.close();
}

/** Tells wrong settings before anything is opened. */
function check(options: CompareOptions): void {
  budgetGiven(options);
  variants(variantsGiven(options), { software: false, sample: false }, 1, parseEach);
}

/** The images and settings of a comparison whose folder is locked. */
interface Opened {
  readonly config: ComparisonConfig;
  readonly dataset: Dataset;
}

/** Does what is not done yet, on another device where one is lost. */
async function runStages(
  gpu: Gpu,
  { config, dataset }: Opened,
  out: string,
  options: CompareOptions,
  terminal: Terminal,
): Promise<void> {
  announceComparison(terminal, gpu.traits, config, out);
  const { signal, exitCode } = stopOnSignals(terminal);
  const reached = new Reached();
  const events = printComparison(terminal, config, reached, signal);
  const run = async (device: Gpu): Promise<Results> => {
    chooseKernels(device, options, terminal, out);
    const onResults = (results: Results) => writeComparisonReport(results, out);
    const all: CompareEvents = { ...events, onResults, log: options.log };
    const results = await runComparison(device, dataset, config, out, all, signal);
    await writeComparisonReport(results, out);
    return results;
  };
  const next = () => 'resuming the comparison';
  const work = { run, reached: () => reached.furthest, next, stopped: () => signal.aborted };
  try {
    const results = await reopening(gpu, work, options, terminal);
    printComparisonResults(terminal, results, out);
    failWithoutNumbers(results, out);
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
    terminal.clear();
    terminal.line(`stopped; progress is saved in ${out}; to continue:`);
    terminal.command('  ', commandWords('compare', '--resume', out));
    process.exitCode = exitCode();
  }
}

/** Rows that failed are in the report, but a script must see that something did. */
function failWithoutNumbers({ rows }: Results, out: string): void {
  const failed = rows.flatMap(({ label, runs }) => runs.filter((run) => run.failed !== undefined).map(() => label));
  if (failed.length === 0) return;
  complain(`${[...new Set(failed)].join(', ')}: failed, see above; --resume ${out} tries again`);
  process.exitCode = 1;
}

/** A new comparison: what cannot be done is told before anything is written. */
async function begun(gpu: Gpu, options: CompareOptions, terminal: Terminal): Promise<Opened> {
  const { software } = gpu.traits;
  const { exclude } = options;
  const seeds = options.seeds ?? [1];
  const budget = budgetGiven(options);
  const given = variantsGiven(options);
  const rows = variants(given, { software, sample: options.data === undefined && !hasStl10() }, seeds[0]);
  for (const { settings } of rows) checkPrecision(settings, gpu.traits);
  const data = options.data ?? (await defaultData(options.preset, terminal));
  const dataset = await openData(data, { ...storedAs(rows), exclude }, terminal, true);
  for (const { settings } of rows) checkImages(dataset.train, settings);
  const images = dataset.train.count;
  const config: ComparisonConfig = {
    ...{ version: 1, data: resolve(data), exclude, images, imagesDigest: inventoryDigest(dataset.files) },
    ...{ seeds, budget },
    rows: rows.map((row) => ({
      ...row,
      settings: withBudget(row.settings, budget, images, sharedGiven(options)),
    })),
    measuring: measuringGiven(options, software),
    ...{ adapter: gpu.traits.adapter, started: new Date().toISOString() },
  };
  return { config, dataset };
}

function measuringGiven(options: CompareOptions, software: boolean): Measuring {
  const { epochs, batchSize } = software ? softwareSupervised : supervisedSettings.parse({});
  return {
    images: options.measureImages ?? (software ? 1000 : 5000),
    labels: options.labels ?? 10,
    epochs: options.finetuneEpochs ?? epochs,
    batchSize,
    points: options.mapPoints ?? 500,
  };
}

/** The comparison that is in the folder, with the images that it was started with. */
async function continued(
  found: ComparisonConfig,
  out: string,
  options: CompareOptions,
  terminal: Terminal,
): Promise<Opened> {
  const data = options.data ?? found.data;
  if (!existsSync(data)) {
    throw new UserError(
      `${data}: the images named in ${out}/${configFile} were not found; give their folder with --data`,
    );
  }
  const config = { ...found, data: resolve(data) };
  const dataset = await openData(data, { ...storedAs(config.rows), exclude: config.exclude }, terminal, true);
  checkSameImages(out, data, config, dataset);
  return { config, dataset };
}
