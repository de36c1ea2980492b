import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { type Dataset, openDataset } from '../data/dataset.ts';
import { ensureSampleSet } from '../data/sample.ts';
import { findStl10 } from '../data/stl10.ts';
import { UserError } from '../errors.ts';
import { Gpu } from '../gpu/device.ts';
import { RunFolder } from '../train/run_folder.ts';
import { defaultsFor, flagOf, parseSettings, type TrainSettings } from '../train/settings.ts';
import { Trainer } from '../train/trainer.ts';
import { sampleSizes } from './data.ts';
import { dryRun, profileStep } from './inspect.ts';
import { addTrainSettings, givenSettings } from './options.ts';
import { Terminal } from './terminal.ts';
import { announce, printEvents } from './train_output.ts';

interface TrainOptions extends Partial<TrainSettings> {
  readonly data?: string;
  readonly preset?: 'stl10';
  readonly out?: string;
  readonly resume?: string;
  readonly adapter?: string;
  readonly dryRun?: boolean;
  readonly profile?: boolean;
}

/** `simclr train`: pre-training without labels. */
export function trainCommand(): Command {
  const command = new Command('train')
    .description('pre-train an encoder without labels')
    .option('--data <folder>', 'STL-10’s binary files, or a folder of PNG and JPEG photos')
    .option('--preset <name>', 'stl10: take STL-10 from data/ where it is, else a built-in sample set')
    .option('--out <folder>', 'folder of the run (default: runs/<date and time>)')
    .option('--resume <folder>', 'continue the run in this folder from its newest checkpoint')
    .option('--adapter <name>', 'part of the name of the adapter (default: the first, hardware before software)')
    .option('--dry-run', 'print the plan of a step: nodes, kernels, FLOPs, bytes, peak memory; train nothing')
    .option('--profile', 'run a few steps and print the time by op; train nothing');
  addTrainSettings(command);
  return command.action(train);
}

async function train(options: TrainOptions): Promise<void> {
  const terminal = new Terminal();
  const given = givenSettings(options as Record<string, unknown>);
  if (options.resume !== undefined) return resume(options.resume, options, given, terminal);
  parseSettings(given); // wrong settings are told before anything is opened
  const gpu = await Gpu.open({ adapter: options.adapter });
  const settings = parseSettings(defaultsFor(given, gpu.traits));
  const data = options.data ?? (await defaultData(options.preset, terminal));
  const dataset = await openData(data, settings, terminal);
  if (options.dryRun) return dryRun(gpu, dataset, settings, terminal);
  if (options.profile) return profileStep(gpu, dataset, settings, terminal);
  const out = options.out ?? join('runs', timestamp());
  const folder = RunFolder.create(out, {
    version: 1,
    data,
    settings,
    images: dataset.train.count,
    adapter: gpu.traits.adapter,
    started: new Date().toISOString(),
  });
  await run(gpu, dataset, settings, folder, terminal, given);
}

const timestamp = (): string => new Date().toISOString().slice(0, 19).replace('T', '_').replaceAll(':', '-');

async function resume(
  path: string,
  options: TrainOptions,
  given: Partial<TrainSettings>,
  terminal: Terminal,
): Promise<void> {
  const { folder, config } = RunFolder.open(path);
  const changed = (Object.keys(given) as (keyof TrainSettings)[]).filter(
    (name) => given[name] !== config.settings[name],
  );
  if (changed.length > 0) {
    throw new UserError(
      `--resume continues with the settings of ${path}/config.json; leave out ${changed.map(flagOf).join(', ')}`,
      2,
    );
  }
  const gpu = await Gpu.open({ adapter: options.adapter ?? config.adapter }).catch(() => Gpu.open());
  if (gpu.traits.adapter !== config.adapter) {
    terminal.line(
      `note: the run was started on '${config.adapter}'; on '${gpu.traits.adapter}' its numbers will differ in the last bits`,
    );
  }
  const dataset = await openData(options.data ?? config.data, config.settings, terminal);
  if (dataset.train.count !== config.images) {
    throw new UserError(
      `${options.data ?? config.data}: has ${dataset.train.count} images, the run was started with ${config.images}; give the same images with --data`,
    );
  }
  await run(gpu, dataset, config.settings, folder, terminal, config.settings);
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
  terminal.line('Training on the built-in sample set instead: ten classes of drawn pictures in STL-10’s format.');
  const folder = join('data', 'sample');
  ensureSampleSet(folder, {
    ...sampleSizes,
    onProgress: ({ done, total }) => terminal.progress('draw', done, total ?? done),
  });
  return folder;
}

/** Opens the images of a run and prints what was found. */
export async function openData(
  data: string,
  { split, imageSize }: Pick<TrainSettings, 'split' | 'imageSize'>,
  terminal: Terminal,
): Promise<Dataset> {
  const dataset = await openDataset(data, {
    split,
    size: imageSize,
    onProgress: ({ phase, done, total }) => terminal.progress(phase, done, total ?? done),
  });
  terminal.line(`data       ${dataset.description}`);
  const { skipped } = dataset.train;
  if (skipped.length > 0) {
    terminal.line(`skipped    ${skipped.length} unreadable files:`);
    for (const { file, reason } of skipped.slice(0, 20)) terminal.line(`           ${file}: ${reason}`);
    if (skipped.length > 20) terminal.line(`           and ${skipped.length - 20} more`);
  }
  return dataset;
}

async function run(
  gpu: Gpu,
  dataset: Dataset,
  settings: TrainSettings,
  folder: RunFolder,
  terminal: Terminal,
  given: Partial<TrainSettings>,
): Promise<void> {
  announce(terminal, gpu.traits, settings, given, folder.path);
  const trainer = await Trainer.create(gpu, dataset, settings, folder, printEvents(terminal, settings));
  const stop = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
    terminal.line('stopping after this step (again to stop at once)');
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  const result = await trainer.run(stop.signal);
  terminal.clear();
  terminal.line(`checkpoint ${result.checkpoint}`);
  if (result.interrupted && stop.signal.aborted) {
    terminal.line(`stopped at step ${result.step}; go on with: simclr train --resume ${folder.path}`);
    process.exitCode = 130;
    return;
  }
  terminal.line(`figures    ${folder.file('figures')}`);
  terminal.line(`export it  simclr export --checkpoint ${result.checkpoint} --out encoder.safetensors`);
}
