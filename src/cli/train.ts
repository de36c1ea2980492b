import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { captionFiles } from '../data/captions.ts';
import type { Dataset } from '../data/dataset.ts';
import { isImageSet } from '../data/images.ts';
import { inventoryDigest } from '../data/inventory.ts';
import { PHOTO_FORMATS } from '../data/photo_names.ts';
import { kindOf, type SampleSet } from '../data/samples.ts';
import type { Gpu } from '../gpu/device.ts';
import { DeviceLost } from '../gpu/faults.ts';
import { allMethods, methodNamed } from '../methods/index.ts';
import { shareText } from '../mpi/communicator.ts';
import { checkPrecision } from '../ops/precision.ts';
import type { Method } from '../ssl/method.ts';
import type { TrainResult } from '../train/events.ts';
import type { InitialWeights } from '../train/initial_weights.ts';
import { checkImages, checkRanks } from '../train/learner.ts';
import { logsFor } from '../train/metrics_logs.ts';
import { otherDefaults, withRecipe } from '../train/recipe.ts';
import type { RunConfig } from '../train/run_config.ts';
import { FollowedFolder, RunFolder } from '../train/run_folder.ts';
import { type GivenSettings, parseSettings, parseValues, type TrainSettings } from '../train/settings.ts';
import { Trainer } from '../train/trainer.ts';
import { addBudget, checkBudget, minutesOf, sizeRun } from './budget.ts';
import { commandWords, stopOnSignals } from './common.ts';
import { complain } from './complain.ts';
import { addDeviceOptions, chooseKernels, type DeviceOptions, knownKernels, openAdapter } from './device.ts';
import { readInit, settingsOf, startFrom } from './init.ts';
import { dryRun, profileStep } from './inspect.ts';
import { printNextSteps } from './next_steps.ts';
import { addExclude, addLog, addTrainSettings, givenSettings } from './options.ts';
import { type Decided, folderOf, openForAll } from './rank_data.ts';
import { adapterOf, checkTeamOptions, introduce, leads, type Team, terminalOf, withRanks } from './ranks.ts';
import { type Resumable, reopening } from './reopen.ts';
import { resume } from './resume.ts';
import type { Terminal } from './terminal.ts';
import { captionsOf, checkDataOptions, dataForms, defaultData, hasStl10, type TrainOptions } from './train_data.ts';
import { announce, printEvents } from './train_output.ts';

/** `simclr train`: training an encoder with a method, whose settings are among the flags. */
export function trainCommand(method: Method): Command {
  const train = new Command('train')
    .description('train an encoder, without labels unless the method needs some')
    .option('--data <folder>', dataHelp(method))
    .addOption(
      new Option('--preset <name>', 'stl10: use STL-10 if it is in data/, otherwise a built-in sample set').choices([
        'stl10',
      ]),
    )
    .option('--out <folder>', 'folder of the run (default: runs/<date and time>)')
    .option('--overwrite', 'replace the run that is in --out, with its evaluations; other folders are never replaced')
    .option(
      '--resume <folder>',
      'continue the run in this folder from its newest checkpoint; with a greater --epochs or --steps, make it longer',
    )
    .option(
      '--init <file>',
      'start from these weights: a run’s folder or checkpoint, an exported encoder, or torchvision’s resnet18, 34 or 50 (.safetensors)',
    )
    .addOption(
      new Option(
        '--dry-run',
        'print the execution plan of one step and exit: kernels, nodes, FLOPs, bytes, peak memory',
      ).conflicts('profile'),
    )
    .option('--profile', 'run a few steps, print the time by op and how long the device waits for the host, and exit');
  train.option(
    '--captions <file>',
    `captions of the photos, for a method that needs them: a table .csv or .jsonl of file and text (default: ${captionFiles.join(' or ')} in the data folder)`,
  );
  addLog(train);
  addExclude(train);
  addDeviceOptions(train);
  addBudget(train);
  addTrainSettings(train, method, allMethods());
  train.addHelpText('after', `\n${otherDefaults(method)}`);
  return train.action(runTraining);
}

/** What `--data` is. */
function dataHelp(method: Method): string {
  const kind = kindOf(method);
  return kind === 'images' ? `STL-10’s binary files, or a folder of photos (${PHOTO_FORMATS})` : dataForms[kind];
}

const runTraining = (options: TrainOptions): Promise<void> =>
  withRanks(async (team) => {
    const own = { ...options, adapter: await adapterOf(options.adapter, team) } as TrainOptions;
    await (leads(team) ? lead(own, team) : follow(own, team!));
  });

/** The only process, or the first of several, which decides for all. */
async function lead(options: TrainOptions, team: Team | undefined): Promise<void> {
  const terminal = terminalOf(team);
  const flags = givenSettings(options as unknown as Record<string, unknown>);
  checkBudget(options, flags);
  if (team) checkTeamOptions(options, flags);
  if (options.resume !== undefined) {
    const resumed = await resume(options.resume, options, flags, terminal, team);
    const captions = captionsOf(resumed.settings, options.captions ?? resumed.captions);
    return run({ ...resumed, captions, team }, terminal, options, resumed.settings);
  }
  const { method } = parseValues(flags); // wrong settings are told before anything is opened
  checkDataOptions(methodNamed(method), options);
  const init = options.init === undefined ? undefined : readInit(options.init, terminal);
  const given = { ...(init && settingsOf(init)), ...flags };
  const gpu = await openAdapter(options.adapter);
  const where = { software: gpu.traits.software, sample: options.data === undefined && !hasStl10() };
  let settings = parseSettings(withRecipe(given, where));
  checkPrecision(settings, gpu.traits);
  if (team) checkRanks(settings, team.ranks.size);
  const captions = captionsOf(settings, options.captions);
  const out = options.out ?? join('runs', timestamp());
  const trains = !options.dryRun && !options.profile;
  const { overwrite } = options;
  if (trains) RunFolder.checkFree(out, { overwrite });
  const data = options.data ?? (await defaultData(options.preset, terminal));
  const { exclude } = options;
  const dataset = await openForAll(team, { data, exclude, captions, settings, folder: out }, terminal);
  if (options.dryRun) return dryRun(gpu, dataset, settings, terminal, knownKernels(gpu, options));
  if (options.profile) {
    chooseKernels(gpu, options, terminal);
    return profileStep(gpu, dataset, settings, terminal, team?.ranks);
  }
  checkImages(dataset.train, settings);
  const minutes = minutesOf(options, given, where);
  if (minutes !== undefined) {
    chooseKernels(gpu, options, terminal); // the measured step is the one that the run takes
    settings = await sizeRun(gpu, dataset, settings, given, minutes, where, terminal);
  }
  const start = init && isImageSet(dataset.train) ? startFrom(init, settings, dataset.train, terminal) : undefined;
  const config: RunConfig = {
    ...{ version: 1, data: resolve(data), exclude, settings },
    ...(typeof captions === 'string' && { captions: resolve(captions) }),
    ...{
      images: dataset.train.count,
      parts: dataset.train.parts,
      imagesDigest: inventoryDigest(dataset.files),
      init: start?.config,
    },
    ...{ log: options.log, adapter: gpu.traits.adapter, started: new Date().toISOString() },
  };
  const folder = RunFolder.create(out, config, dataset.files, { overwrite });
  folder.logTo(await logsFor(config.log ?? [], folder.path, settings));
  const open = { gpu, dataset, data, exclude, captions, settings, folder, init: start?.weights, team };
  await run(open, terminal, options, given);
}

/** Another process: it waits for what the first decides, and opens the same data. */
async function follow(options: TrainOptions, team: Team): Promise<void> {
  const terminal = terminalOf(team);
  const decided = JSON.parse(await shareText(team.ranks)) as Decided;
  const { folder } = decided;
  const settings = parseSettings(decided.settings, folder);
  const gpu = await openAdapter(options.adapter);
  checkPrecision(settings, gpu.traits);
  const dataset = await openForAll(team, { ...decided, settings }, terminal);
  if (options.profile) return profileStep(gpu, dataset, settings, terminal, team.ranks);
  const init = options.init === undefined ? undefined : readInit(options.init, terminal);
  const start = init && isImageSet(dataset.train) ? startFrom(init, settings, dataset.train, terminal) : undefined;
  const open = { ...decided, settings, gpu, dataset, folder: new FollowedFolder(folder), init: start?.weights, team };
  await run(open, terminal, options, settings);
}

const timestamp = (): string => new Date().toISOString().slice(0, 19).replace('T', '_').replaceAll(':', '-');

/** A run that is new or resumed, its folder locked. */
interface OpenRun {
  readonly gpu: Gpu;
  readonly dataset: Dataset<SampleSet>;
  readonly data: string;
  readonly exclude?: readonly string[] | undefined;
  readonly settings: TrainSettings;
  readonly captions?: string | true | undefined;
  readonly folder: RunFolder;
  readonly init?: InitialWeights | undefined;
  /** Processes that share the batches with this one. */
  readonly team?: Team | undefined;
}

/** Compiles the step. What is refused on the first device (a batch that does not fit, say) leaves no folder of a run that never began. */
async function prepare(open: OpenRun, gpu: Gpu, terminal: Terminal, options: DeviceOptions): Promise<Trainer> {
  const { dataset, settings, folder, init, team } = open;
  try {
    chooseKernels(gpu, options, terminal, folder.isKept ? folder.path : undefined);
    const events = printEvents(terminal, settings);
    const trainer = await Trainer.create(gpu, dataset, settings, folder, events, init, team?.ranks);
    folder.begin();
    return trainer;
  } catch (error) {
    if (gpu === open.gpu && !(error instanceof DeviceLost)) folder.discard();
    else folder.unlock();
    throw error;
  }
}

/** Trains; where the device is lost, the run resumes from its newest checkpoint as `--resume` would. */
async function trainToEnd(
  open: OpenRun,
  terminal: Terminal,
  options: DeviceOptions,
  signal: AbortSignal,
): Promise<TrainResult> {
  const { folder } = open;
  const work: Resumable<TrainResult> = {
    async run(gpu) {
      const trainer = await prepare(open, gpu, terminal, options);
      try {
        return await trainer.run(signal);
      } finally {
        trainer.destroy();
      }
    },
    reached: () => folder.loggedSteps(),
    next: () => `resuming after step ${folder.checkpointSteps().at(-1) ?? 0}`,
    stopped: () => signal.aborted || open.team !== undefined, // the others would wait
  };
  try {
    return await reopening(open.gpu, work, options, terminal);
  } catch (error) {
    if (!(error instanceof DeviceLost)) throw error;
    throw new DeviceLost(error.why, `continue the run with --resume ${folder.path}`);
  }
}

/** The exit code of a process that stops because another one was asked to. */
const interrupted = 143;

/** All processes say where they train, and on what. */
async function meet({ gpu, dataset }: OpenRun, team: Team, terminal: Terminal): Promise<void> {
  const own = {
    adapter: gpu.traits.adapter,
    images: dataset.train.count,
    digest: inventoryDigest(dataset.files) ?? '',
  };
  await introduce(team, own, terminal);
}

async function run(open: OpenRun, terminal: Terminal, options: DeviceOptions, given: GivenSettings): Promise<void> {
  const { gpu, settings, folder, team } = open;
  announce(terminal, gpu.traits, settings, given, folder.path);
  if (team) await meet(open, team, terminal);
  const { signal, exitCode } = stopOnSignals(terminal);
  team?.ranks.leaveAfter(signal);
  const result = await trainToEnd(open, terminal, options, signal);
  if (result.interrupted) process.exitCode = exitCode() || interrupted;
  if (!leads(team)) return;
  terminal.clear();
  terminal.line(`checkpoint ${result.checkpoint}`);
  if (result.interrupted) {
    terminal.line(`stopped at step ${result.step}; to resume:`);
    terminal.command('  ', commandWords('train', '--resume', folder.path));
    return;
  }
  if (folder.hasFigures) terminal.line(`figures    ${folder.file('figures')}`);
  if (result.warning) {
    const { message, remedy } = result.warning;
    complain(`warning: this training learnt nothing useful: ${message}; ${remedy}`);
    return;
  }
  printNextSteps(terminal, result.checkpoint, { ...open, data: folderOf(open.data, team), split: settings.split });
}
