import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Dataset } from '../data/dataset.ts';
import { findStl10 } from '../data/stl10.ts';
import { UserError } from '../errors.ts';
import { foldsOf, labelledData, runExperiment } from '../experiment/experiment.ts';
import {
  checkContinues,
  checkGiven,
  type ExperimentConfig,
  type GivenExperiment,
  type GivenSupervised,
  onlySupervised,
  ownSupervised,
  planExperiment,
  readExperiment,
  supervisedKey,
  writeExperiment,
} from '../experiment/experiment_settings.ts';
import { writeReport } from '../experiment/report.ts';
import type { Gpu } from '../gpu/device.ts';
import { checkPrecision } from '../ops/precision.ts';
import { readCheckpoint } from '../train/checkpoint.ts';
import { flagOf, parseSettings } from '../train/settings.ts';
import { supervisedSettings } from '../train/supervised_settings.ts';
import { checkBatch } from '../train/trainer.ts';
import { commandWords, stopOnSignals } from './common.ts';
import { addDeviceOptions, chooseKernels, openAdapter } from './device.ts';
import { announceExperiment, printExperiment, printResults } from './experiment_output.ts';
import { printNextSteps } from './next_steps.ts';
import { addSetting, addTrainSettings, givenSettings } from './options.ts';
import { Terminal } from './terminal.ts';
import { defaultData, openData } from './train.ts';

type Options = Readonly<Record<string, unknown>> & {
  readonly data?: string;
  readonly preset?: 'stl10';
  readonly out: string;
  readonly checkpoint?: string;
  readonly seeds?: readonly number[];
  readonly folds?: readonly number[];
  readonly adapter?: string;
  readonly autotune?: boolean;
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
export function experimentCommand(): Command {
  const experiment = new Command('experiment')
    .description('pre-train, train three models on the labels, and write a report that compares them')
    .option('--data <folder>', 'STL-10’s binary files, or a folder of photos with train/ and test/ by class')
    .addOption(
      new Option('--preset <name>', 'stl10: take STL-10 from data/ where it is, else a built-in sample set').choices([
        'stl10',
      ]),
    )
    .option(
      '--out <folder>',
      'folder of the experiment; one that was stopped there goes on',
      join('runs', 'experiment'),
    )
    .option('--checkpoint <file>', 'take the encoder of this checkpoint instead of pre-training one')
    .option('--seeds <numbers>', 'run everything with each of these seeds and report mean ± deviation', parseList)
    .option('--folds <numbers>', 'train on folds of STL-10’s protocol: all, or some of 0 to 9', parseFolds);
  addDeviceOptions(experiment);
  addTrainSettings(experiment);
  for (const name of supervisedNames) {
    addSetting(experiment, supervisedSettings.shape[name], flagOf(supervisedKey(name)));
  }
  return experiment.action(runCommand);
}

/** What the options of the command say. */
export function givenBy(options: Options): GivenExperiment {
  const { data, checkpoint, seeds, folds } = options;
  const supervised = supervisedNames.flatMap((name) => {
    const value = options[supervisedKey(name)];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...{ data, seeds, folds, checkpoint: checkpoint === undefined ? undefined : resolve(checkpoint) },
    pretrain: givenSettings(options),
    supervised: Object.fromEntries(supervised) as GivenSupervised,
  };
}

async function runCommand(options: Options): Promise<void> {
  const terminal = new Terminal();
  const { out } = options;
  const given = givenBy(options);
  checkGiven(given);
  const found = readExperiment(out);
  if (found) checkContinues(out, given, found);
  else check(given);
  const gpu = await openAdapter(options.adapter, found?.adapter);
  const { config, dataset } = found
    ? await continued(found, options, terminal)
    : await begun(gpu, options, given, terminal);
  chooseKernels(gpu, options, terminal, out);
  announceExperiment(terminal, gpu.traits, config, out);
  const { signal, exitCode } = stopOnSignals(terminal);
  try {
    const numbers = await runExperiment(gpu, dataset, config, out, printExperiment(terminal, config), signal);
    printResults(terminal, await writeReport(gpu, dataset, config, numbers, out), out);
    const { data, pretrain } = config;
    printNextSteps(terminal, numbers.pretraining[0].checkpoint, { dataset, data, split: pretrain.split });
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
  parseSettings(given.pretrain);
  planExperiment(given, { software: false });
}

/** A new experiment: its settings are kept in its folder. */
async function begun(gpu: Gpu, options: Options, given: GivenExperiment, terminal: Terminal) {
  const { checkpoint, out } = options;
  const from = checkpoint === undefined ? undefined : readCheckpoint(checkpoint).settings;
  const plan = planExperiment(given, gpu.traits, from);
  checkPrecision(plan.supervised, gpu.traits);
  const data = options.data ?? (await defaultData(options.preset, terminal));
  // What cannot be done is told before anything is written: the folder would hold on to settings that do not work.
  foldsOf({ folds: plan.folds, data });
  const dataset = await openData(data, plan.pretrain, terminal, true);
  const images = imagesOf(dataset, data);
  if (!from) checkBatch(dataset.train, plan.pretrain);
  const config: ExperimentConfig = {
    ...{ version: 1, data: resolve(data), ...plan, images },
    adapter: gpu.traits.adapter,
    started: new Date().toISOString(),
  };
  writeExperiment(out, config);
  return { config, dataset };
}

/** The experiment that is in the folder, with the images that it was started with. */
async function continued(found: ExperimentConfig, { data, preset }: Options, terminal: Terminal) {
  const isHere = preset === 'stl10' && existsSync('data') && findStl10('data') !== undefined;
  const config = { ...found, data: resolve(data ?? (isHere ? 'data' : found.data)) };
  const dataset = await openData(config.data, config.pretrain, terminal, true);
  const images = imagesOf(dataset, config.data);
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
