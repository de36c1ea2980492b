import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { type Dataset, openDataset } from '../data/dataset.ts';
import { ensureSampleSet } from '../data/sample.ts';
import { findStl10 } from '../data/stl10.ts';
import { UserError } from '../errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { checkPrecision } from '../ops/precision.ts';
import { RunFolder } from '../train/run_folder.ts';
import { defaultsFor, flagOf, parseSettings, type TrainSettings } from '../train/settings.ts';
import { Trainer } from '../train/trainer.ts';
import { commandWords, printSkipped, setsOf, stopOnSignals } from './common.ts';
import { sampleSizes } from './data.ts';
import { addDeviceOptions, chooseKernels, type DeviceOptions, knownKernels, openAdapter } from './device.ts';
import { dryRun, profileStep } from './inspect.ts';
import { printNextSteps, type TrainedOn } from './next_steps.ts';
import { addTrainSettings, givenSettings } from './options.ts';
import { Terminal } from './terminal.ts';
import { announce, printEvents } from './train_output.ts';

interface TrainOptions extends Partial<TrainSettings>, DeviceOptions {
  readonly data?: string;
  readonly preset?: 'stl10';
  readonly out?: string;
  readonly resume?: string;
  readonly dryRun?: boolean;
  readonly profile?: boolean;
}

/** `simclr train`: pre-training without labels. */
export function trainCommand(): Command {
  const train = new Command('train')
    .description('pre-train an encoder without labels')
    .option('--data <folder>', 'STL-10’s binary files, or a folder of PNG and JPEG photos')
    .addOption(
      new Option('--preset <name>', 'stl10: take STL-10 from data/ where it is, else a built-in sample set').choices([
        'stl10',
      ]),
    )
    .option('--out <folder>', 'folder of the run (default: runs/<date and time>)')
    .option('--resume <folder>', 'continue the run in this folder from its newest checkpoint')
    .option(
      '--dry-run',
      'print the plan of a step: kernels as far as they are known, nodes, FLOPs, bytes, peak memory; train nothing',
    )
    .option(
      '--profile',
      'run a few steps; print the time by op and how long the device waits for the host; train nothing',
    );
  addDeviceOptions(train);
  addTrainSettings(train);
  return train.action(runTraining);
}

async function runTraining(options: TrainOptions): Promise<void> {
  const terminal = new Terminal();
  const given = givenSettings(options as Record<string, unknown>);
  if (options.resume !== undefined) return resumeRun(options.resume, options, given, terminal);
  parseSettings(given); // wrong settings are told before anything is opened
  const gpu = await openAdapter(options.adapter);
  const settings = parseSettings(defaultsFor(given, gpu.traits));
  checkPrecision(settings, gpu.traits);
  const out = options.out ?? join('runs', timestamp());
  const trains = !options.dryRun && !options.profile;
  if (trains) RunFolder.checkFree(out);
  const data = options.data ?? (await defaultData(options.preset, terminal));
  const dataset = await openData(data, settings, terminal, settings.knnEvery > 0);
  if (options.dryRun) return dryRun(gpu, dataset, settings, terminal, knownKernels(gpu, options));
  if (options.profile) {
    chooseKernels(gpu, options, terminal);
    return profileStep(gpu, dataset, settings, terminal);
  }
  const folder = RunFolder.create(out, {
    version: 1,
    data: resolve(data),
    settings,
    images: dataset.train.count,
    adapter: gpu.traits.adapter,
    started: new Date().toISOString(),
  });
  await run(gpu, { dataset, data, split: settings.split }, settings, folder, terminal, options, given);
}

const timestamp = (): string => new Date().toISOString().slice(0, 19).replace('T', '_').replaceAll(':', '-');

async function resumeRun(
  path: string,
  options: TrainOptions,
  given: Partial<TrainSettings>,
  terminal: Terminal,
): Promise<void> {
  const excluded = (['preset', 'out', 'dryRun', 'profile'] as const).filter((name) => options[name] !== undefined);
  if (excluded.length > 0) {
    throw new UserError(`--resume goes on in the run's own folder; leave out ${excluded.map(flagOf).join(', ')}`, 2);
  }
  const { folder, config } = RunFolder.open(path);
  if (options.data === undefined && !existsSync(config.data)) {
    throw new UserError(
      `${config.data}: the images that ${path}/config.json names are not there; say where they are with --data`,
    );
  }
  const changed = (Object.keys(given) as (keyof TrainSettings)[]).filter(
    (name) => given[name] !== config.settings[name],
  );
  if (changed.length > 0) {
    throw new UserError(
      `--resume continues with the settings of ${path}/config.json; leave out ${changed.map(flagOf).join(', ')}`,
      2,
    );
  }
  const gpu = await openAdapter(options.adapter, config.adapter);
  if (gpu.traits.adapter !== config.adapter) {
    terminal.line(
      `note: the run was started on '${config.adapter}'; on '${gpu.traits.adapter}' its numbers will differ in the last bits`,
    );
  }
  const dataset = await openData(options.data ?? config.data, config.settings, terminal, config.settings.knnEvery > 0);
  if (dataset.train.count !== config.images) {
    throw new UserError(
      `${options.data ?? config.data}: has ${dataset.train.count} images, the run was started with ${config.images}; give the same images with --data`,
    );
  }
  const on = { dataset, data: options.data ?? config.data, split: config.settings.split };
  await run(gpu, on, config.settings, folder, terminal, options, config.settings);
}

/** Where `--data` is not given: STL-10 in data/, or the sample set; the user is told which, and how to get the real one. */
export async function defaultData(preset: TrainOptions['preset'], terminal: Terminal): Promise<string> {
  if (preset !== 'stl10') {
    throw new UserError(
      "--data is missing: give a folder of photos or of STL-10's files, or --preset stl10 to try the sample set",
      2,
    );
  }
  if (existsSync('data') && findStl10('data') !== undefined) return 'data';
  terminal.line('STL-10 is not here. To get it (2.6 GB): npm run data:stl10');
  terminal.line('Training on the built-in sample set instead: drawn pictures of ten classes.');
  const folder = join('data', 'sample');
  ensureSampleSet(folder, {
    ...sampleSizes,
    onProgress: ({ done, total }) => terminal.progress('draw', done, total ?? done),
  });
  return folder;
}

/** Opens the images of a run, with labelled sets where they are wanted and there, and prints what was found. */
export async function openData(
  data: string,
  { split, imageSize }: Pick<TrainSettings, 'split' | 'imageSize'>,
  terminal: Terminal,
  labelled: boolean,
): Promise<Dataset> {
  const dataset = await openDataset(data, {
    split,
    size: imageSize,
    probe: labelled,
    onProgress: ({ phase, done, total }) => terminal.progress(phase, done, total ?? done),
  });
  terminal.line(`data       ${dataset.description}`);
  printSkipped(setsOf(dataset), terminal);
  return dataset;
}

async function run(
  gpu: Gpu,
  on: TrainedOn,
  settings: TrainSettings,
  folder: RunFolder,
  terminal: Terminal,
  options: DeviceOptions,
  given: Partial<TrainSettings>,
): Promise<void> {
  announce(terminal, gpu.traits, settings, given, folder.path);
  const { signal, exitCode } = stopOnSignals(terminal);
  chooseKernels(gpu, options, terminal, folder.path);
  const trainer = await Trainer.create(gpu, on.dataset, settings, folder, printEvents(terminal, settings));
  const result = await trainer.run(signal);
  trainer.destroy();
  terminal.clear();
  terminal.line(`checkpoint ${result.checkpoint}`);
  if (result.interrupted && signal.aborted) {
    terminal.line(`stopped at step ${result.step}; to resume:`);
    terminal.command('  ', commandWords('train', '--resume', folder.path));
    process.exitCode = exitCode();
    return;
  }
  terminal.line(`figures    ${folder.file('figures')}`);
  printNextSteps(terminal, result.checkpoint, on);
}
