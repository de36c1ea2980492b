/** `simclr train --resume`: a run that was stopped continues, and one that has ended may be made longer. */
import { existsSync } from 'node:fs';
import type { Dataset } from '../data/dataset.ts';
import { epochSteps } from '../data/order.ts';
import type { SampleSet } from '../data/samples.ts';
import { UserError } from '../errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { counted } from '../io/counted.ts';
import { totalSteps } from '../ssl/settings.ts';
import { newestCheckpoint } from '../train/checkpoint.ts';
import { resumedConfig } from '../train/extension.ts';
import { type LogKind, logsFor } from '../train/metrics_logs.ts';
import { type RunConfig, samplesOf } from '../train/run_config.ts';
import { RunFolder } from '../train/run_folder.ts';
import { checkSameImages } from '../train/same_images.ts';
import { checkSameSettings } from '../train/same_settings.ts';
import { flagOf, type GivenSettings, type TrainSettings } from '../train/settings.ts';
import { openAdapter } from './device.ts';
import { checkProcesses, folderOf, openForAll } from './rank_data.ts';
import type { Team } from './ranks.ts';
import type { Terminal } from './terminal.ts';
import { captionsOf, type TrainOptions } from './train_data.ts';

/** Flags that only a new run takes. */
const ofNewRuns = ['preset', 'out', 'overwrite', 'init', 'dryRun', 'profile'] as const;

/** What a run continues with. */
export interface Resumed {
  readonly gpu: Gpu;
  readonly dataset: Dataset<SampleSet>;
  /** Where it is. */
  readonly data: string;
  readonly exclude: RunConfig['exclude'];
  readonly captions: RunConfig['captions'];
  readonly folder: RunFolder;
  readonly settings: TrainSettings;
}

/**
 * Opens and locks the folder of a run, and its images.
 * @param given settings among the options
 * @param team processes that share its batches
 * @throws UserError the run cannot continue with these options, images or checkpoints; then nothing is changed
 */
export async function resume(
  path: string,
  options: TrainOptions,
  given: GivenSettings,
  terminal: Terminal,
  team?: Team,
): Promise<Resumed> {
  const excluded = ofNewRuns.filter((name) => options[name] !== undefined);
  if (excluded.length > 0) {
    throw new UserError(`--resume continues in the run's own folder; omit ${excluded.map(flagOf).join(', ')}`, 2);
  }
  const { folder, config: recorded } = RunFolder.open(path);
  try {
    const data = dataOf(path, options, recorded, team);
    const checkpoint = newestCheckpoint(folder, {}); // whoever trains from it tells of those that are passed over
    if (checkpoint) checkSameSettings(folder.file('config.json'), recorded.settings, checkpoint, samplesOf(recorded));
    const step = checkpoint?.progress.step ?? 0;
    const { config: resumed, notes } = resumedConfig(path, recorded, given, step);
    const config = withLogs(resumed, options.log);
    const captions = captionsOf(config.settings, options.captions ?? config.captions);
    const logged = folder.loggedSteps();
    const restart = step === 0 ? restartNote(folder, config, logged) : finishedNote(config, step);
    const gpu = await openAdapter(options.adapter, config.adapter);
    if (gpu.traits.adapter !== config.adapter) {
      notes.push(
        `the run was started on '${config.adapter}'; on '${gpu.traits.adapter}' its numbers will differ in the last bits`,
      );
    }
    const { settings, exclude } = config;
    const dataset = await openForAll(team, { data, exclude, captions, settings, folder: path }, terminal);
    checkSameImages(path, data, config, dataset);
    if (config !== recorded) folder.writeConfig(config);
    folder.logTo(await logsFor(config.log ?? [], path, config.settings));
    for (const note of [...restart, ...notes]) terminal.line(`note       ${note}`);
    return {
      gpu,
      dataset,
      data,
      exclude: config.exclude,
      captions: config.captions,
      folder,
      settings: config.settings,
    };
  } catch (error) {
    folder.unlock();
    throw error;
  }
}

/** A run keeps its numbers as it did before, and in the forms that are asked for now. */
function withLogs(config: RunConfig, asked: readonly LogKind[] = []): RunConfig {
  const kept = config.log ?? [];
  const added = asked.filter((kind) => !kept.includes(kind));
  return added.length === 0 ? config : { ...config, log: [...kept, ...added] };
}

/** Where the images are. UserError: they are gone, or others are left out of them than before. */
function dataOf(
  path: string,
  { data: given, exclude }: TrainOptions,
  config: RunConfig,
  team: Team | undefined,
): string {
  if (exclude !== undefined && JSON.stringify(exclude) !== JSON.stringify(config.exclude ?? [])) {
    const before = config.exclude?.map((glob) => `--exclude '${glob}'`).join(' ') ?? 'no --exclude';
    throw new UserError(`--resume continues with the images of ${path}/config.json (${before}); omit --exclude`, 2);
  }
  const data = given ?? config.data;
  checkProcesses(path, data, config, team);
  const folder = folderOf(data, team);
  if (given === undefined && !existsSync(folder)) {
    throw new UserError(
      `${folder}: the images named in ${path}/config.json were not found; give their folder with --data`,
    );
  }
  return data;
}

/**
 * What is said of a run without checkpoints, which starts over.
 * @throws UserError there have been some: starting over would throw away the record of a training that has been done
 */
function restartNote(folder: RunFolder, config: RunConfig, logged: number): string[] {
  const { settings } = config;
  const { checkpointSteps, checkpointEvery, batchSize } = settings;
  const perEpoch = epochSteps(samplesOf(config), batchSize);
  const firstSave = Math.min(
    checkpointSteps > 0 ? checkpointSteps : Number.POSITIVE_INFINITY,
    checkpointEvery * perEpoch,
    totalSteps(settings, perEpoch),
  );
  if (logged > firstSave) {
    throw new UserError(
      `${folder.path}: logged ${counted(logged, 'step')}, but its checkpoints are gone; restore ${folder.file('checkpoints')}, or start a new run with another --out`,
    );
  }
  const dropped = logged > 0 ? `; the ${counted(logged, 'step')} in metrics.jsonl will be repeated` : '';
  return [`no checkpoint yet: starting from step 1${dropped}`];
}

function finishedNote(config: RunConfig, step: number): string[] {
  const { settings } = config;
  if (step < totalSteps(settings, epochSteps(samplesOf(config), settings.batchSize))) return [];
  return ['the run is complete; a larger --epochs or --steps extends it'];
}
