import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Dataset } from '../data/dataset.ts';
import { inventoryDigest } from '../data/inventory.ts';
import { kindOf } from '../data/samples.ts';
import { findStl10 } from '../data/stl10.ts';
import { UserError } from '../errors.ts';
import { foldsOf, labelledData, runExperiment } from '../experiment/experiment.ts';
import { openExperiment, StagesFolder } from '../experiment/experiment_folder.ts';
import {
  checkContinues,
  checkGiven,
  type ExperimentConfig,
  experimentFile,
  type GivenExperiment,
  type GivenSupervised,
  onlySupervised,
  ownSupervised,
  planExperiment,
  supervisedKey,
} from '../experiment/experiment_settings.ts';
import { writeReport } from '../experiment/report.ts';
import type { Gpu } from '../gpu/device.ts';
import { allMethods, firstMethod } from '../methods/index.ts';
import { checkPrecision } from '../ops/precision.ts';
import type { Method } from '../ssl/method.ts';
import { readCheckpoint } from '../train/checkpoint.ts';
import { checkTakesImages, kindOfSettings } from '../train/data_kind.ts';
import { checkImages } from '../train/learner.ts';
import type { LogKind } from '../train/metrics_logs.ts';
import { checkSameImages } from '../train/same_images.ts';
import { flagOf, parseValues } from '../train/settings.ts';
import { supervisedSettings } from '../train/supervised_settings.ts';
import { checkpointFile, commandWords, stopOnSignals } from './common.ts';
import { addDeviceOptions, chooseKernels, openAdapter } from './device.ts';
import { announceExperiment, printExperiment, printResults } from './experiment_output.ts';
import { followed } from './experiment_reached.ts';
import { printNextSteps } from './next_steps.ts';
import { addExclude, addLog, addSetting, addTrainSettings, givenSettings } from './options.ts';
import { reopening } from './reopen.ts';
import { Terminal } from './terminal.ts';
import { captionsOf, defaultData, openData } from './train_data.ts';

type Options = Readonly<Record<string, unknown>> & {
  readonly data?: string;
  readonly exclude?: readonly string[];
  readonly preset?: 'stl10';
  readonly out: string;
  readonly checkpoint?: string;
  readonly seeds?: readonly number[];
  readonly folds?: readonly number[];
  readonly adapter?: string;
  readonly autotune?: boolean;
  readonly log?: readonly LogKind[];
};

const supervisedNames = [...ownSupervised, ...onlySupervised];

/** `1,2,3` → [1, 2, 3] */
function parseList(text: string): number[] {
  const numbers = text.split(',').map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : Number.NaN));
  if (numbers.some(Number.isNaN)) throw new InvalidArgumentError('Give whole numbers with commas between: 1,2,3.');
  return numbers;
}

function parseFolds(text: string): number[] {
  const all = Array.from({ length: 10 }, (_, fold) => fold);
  const folds = text === 'all' ? all : parseList(text);
  if (folds.some((fold) => !all.includes(fold)) || new Set(folds).size < folds.length) {
    throw new InvalidArgumentError("Give 'all', or some of 0 to 9, each once: 0,1,2.");
  }
  return folds;
}

/** `simclr experiment`: the published experiment from pre-training to the report. */
export function experimentCommand(method: Method): Command {
  const methods = allMethods().filter((other) => !other.needsLabels && kindOf(other) === 'images');
  const own = methods.includes(method) ? method : firstMethod;
  const experiment = new Command('experiment')
    .description('pre-train, train three models on the labels, and write a report that compares them')
    .option('--data <folder>', 'STL-10’s binary files, or a folder of photos with train/ and test/ by class')
    .addOption(
      new Option('--preset <name>', 'stl10: use STL-10 if it is in data/, otherwise a built-in sample set').choices([
        'stl10',
      ]),
    )
    .option('--out <folder>', 'folder of the experiment; an interrupted one resumes', join('runs', 'experiment'))
    .option(
      '--checkpoint <file>',
      'take the encoder of this checkpoint instead of pre-training one; a run’s folder means its newest',
    )
    .option('--seeds <numbers>', 'run everything once per seed and report mean ± standard deviation', parseList)
    .option('--folds <numbers>', 'train on folds of STL-10’s protocol: all, or a list of 0 to 9', parseFolds);
  addLog(experiment);
  addExclude(experiment);
  addDeviceOptions(experiment);
  addTrainSettings(experiment, own, methods);
  for (const name of supervisedNames) {
    addSetting(experiment, supervisedSettings.shape[name], flagOf(supervisedKey(name)), 'Labelled stages:');
  }
  return experiment.action(runCommand);
}

/** What the options of the command say. */
export function givenBy(options: Options): GivenExperiment {
  const { data, exclude, checkpoint, seeds, folds } = options;
  const supervised = supervisedNames.flatMap((name) => {
    const value = options[supervisedKey(name)];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...{ data, exclude, seeds, folds, checkpoint },
    pretrain: givenSettings(options),
    supervised: Object.fromEntries(supervised) as GivenSupervised,
  };
}

async function runCommand(options: Options): Promise<void> {
  const terminal = new Terminal();
  const { out } = options;
  const checkpoint = options.checkpoint && checkpointFile(options.checkpoint, terminal);
  const given = givenBy({ ...options, ...(checkpoint && { checkpoint }) });
  checkGiven(given);
  const found = openExperiment(out);
  if (!found) return runNew(options, given, terminal);
  try {
    checkContinues(out, given, found.config);
    const gpu = await openAdapter(options.adapter, found.config.adapter);
    await runStages(gpu, await continued(found.config, options, terminal), options, terminal);
  } finally {
    found.folder.close();
  }
}

async function runNew(options: Options, given: GivenExperiment, terminal: Terminal): Promise<void> {
  check(given);
  StagesFolder.checkFree(options.out);
  const gpu = await openAdapter(options.adapter);
  const { config, dataset } = await begun(gpu, options, given, terminal);
  const folder = StagesFolder.create(options.out, experimentFile, config, dataset.files);
  try {
    await runStages(gpu, { config, dataset }, options, terminal);
  } catch (error) {
    folder.discard();
    throw error;
  }
  folder.close();
}

/** The images and settings of an experiment whose folder is locked. */
interface Opened {
  readonly config: ExperimentConfig;
  readonly dataset: Dataset;
}

/** Does what is not done yet, on another device where one is lost. */
async function runStages(gpu: Gpu, { config, dataset }: Opened, options: Options, terminal: Terminal): Promise<void> {
  const { out } = options;
  announceExperiment(terminal, gpu.traits, config, out);
  const { signal, exitCode } = stopOnSignals(terminal);
  const { events, reached } = followed(printExperiment(terminal, config));
  const run = async (device: Gpu) => {
    chooseKernels(device, options, terminal, out);
    const numbers = await runExperiment(device, dataset, config, out, { ...events, log: options.log }, signal);
    return { numbers, results: await writeReport(device, dataset, config, numbers, out) };
  };
  try {
    const work = { run, reached, next: () => 'resuming the experiment', stopped: () => signal.aborted };
    const { numbers, results } = await reopening(gpu, work, options, terminal);
    printResults(terminal, results, out);
    const { data, exclude, pretrain } = config;
    printNextSteps(terminal, numbers.pretraining[0].checkpoint, { dataset, data, exclude, split: pretrain.split });
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
    terminal.clear();
    terminal.line(`stopped; progress is saved in ${out}; to continue:`);
    terminal.command('  ', commandWords('experiment', '--out', out));
    process.exitCode = exitCode();
  }
}

/** Tells wrong settings before anything is opened. */
function check(given: GivenExperiment): void {
  planExperiment(given, { software: false }, undefined, parseValues);
}

/** A new experiment. */
async function begun(gpu: Gpu, options: Options, given: GivenExperiment, terminal: Terminal): Promise<Opened> {
  const { checkpoint, exclude } = given;
  const from = checkpoint === undefined ? undefined : readCheckpoint(checkpoint).settings;
  if (checkpoint !== undefined) checkTakesImages(checkpoint, kindOfSettings(from));
  const plan = planExperiment(given, gpu.traits, from);
  checkPrecision(plan.supervised, gpu.traits);
  const data = options.data ?? (await defaultData(options.preset, terminal));
  // What cannot be done is told before anything is written: the folder would hold on to settings that do not work.
  foldsOf({ folds: plan.folds, data });
  const dataset = await openData(
    data,
    { ...plan.pretrain, exclude, captions: captionsOf(plan.pretrain) },
    terminal,
    true,
  );
  const images = imagesOf(dataset, data);
  if (!from) checkImages(dataset.train, plan.pretrain);
  const config: ExperimentConfig = {
    ...{ version: 1, data: resolve(data), ...plan, images },
    ...{ exclude, imagesDigest: inventoryDigest(dataset.files) },
    adapter: gpu.traits.adapter,
    started: new Date().toISOString(),
  };
  return { config, dataset };
}

/** The experiment that is in the folder, with the images that it was started with. */
async function continued(found: ExperimentConfig, { out, data, preset }: Options, terminal: Terminal): Promise<Opened> {
  const isHere = preset === 'stl10' && existsSync('data') && findStl10('data') !== undefined;
  const config = { ...found, data: resolve(data ?? (isHere ? 'data' : found.data)) };
  const { exclude, imagesDigest } = found;
  const dataset = await openData(
    config.data,
    { ...config.pretrain, exclude, captions: captionsOf(config.pretrain) },
    terminal,
    true,
  );
  const images = imagesOf(dataset, config.data);
  checkSameImages(out, config.data, { images: found.images.pretrain, imagesDigest }, dataset);
  if (JSON.stringify(images) !== JSON.stringify(found.images)) {
    const numbers = ({ pretrain, train, test }: ExperimentConfig['images']) => `${pretrain}, ${train} and ${test}`;
    throw new UserError(
      `${config.data}: has ${numbers(images)} images to pre-train, train and test with, the experiment was started with ${numbers(found.images)}; give the same images with --data, or choose another --out`,
    );
  }
  return { config, dataset };
}

function imagesOf(dataset: Dataset, data: string): ExperimentConfig['images'] {
  const { train, test } = labelledData(dataset, data);
  return { pretrain: dataset.train.count, train: train.count, test: test.count };
}
