/** What a run works with: made once, before its first step. */

import type { Dataset } from '../data/dataset.ts';
import type { ImageSet } from '../data/images.ts';
import { hostImages, type ImageSource, residentImages } from '../data/source.ts';
import { UserError } from '../errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { State } from '../graph/state.ts';
import { counted } from '../io/counted.ts';
import type { TrainWarning } from '../ssl/health.ts';
import { Pretraining } from '../ssl/pretraining.ts';
import { SimClr } from '../ssl/simclr.ts';
import { type Checkpoint, newestCheckpoint } from './checkpoint.ts';
import type { TrainEvents } from './events.ts';
import { type InitialWeights, loadInitialWeights } from './initial_weights.ts';
import { Monitor } from './monitor.ts';
import { Probe } from './probe.ts';
import type { RunFolder } from './run_folder.ts';
import { checkSameSettings } from './same_settings.ts';
import { modelOptions, pretrainingOptions, type TrainSettings } from './settings.ts';
import { restore, restoreLossScale } from './training_file.ts';

export interface RunParts {
  readonly gpu: Gpu;
  readonly state: State;
  readonly model: SimClr;
  readonly source: ImageSource;
  readonly pretraining: Pretraining;
  readonly monitor: Monitor;
  readonly probe: Probe | undefined;
  readonly settings: TrainSettings;
  readonly folder: RunFolder;
  readonly events: TrainEvents;
  /** What the run goes on from; undefined: it begins. */
  readonly checkpoint: Checkpoint | undefined;
  /** The weights were given, and are not in a checkpoint yet. */
  readonly initialised: boolean;
}

/** UserError: there are fewer images than a batch takes. */
export function checkBatch({ name, count }: ImageSet, { batchSize }: TrainSettings): void {
  if (count >= batchSize) return;
  throw new UserError(
    `${name}: has ${counted(count, 'image')}, fewer than --batch-size ${batchSize}; use a smaller batch`,
  );
}

/**
 * Uploads, compiles and, where the folder has checkpoints, restores the newest.
 * @param init what a run without checkpoints starts from, in place of drawn weights
 */
export async function prepareRun(
  gpu: Gpu,
  { train, probe: labelled }: Dataset,
  settings: TrainSettings,
  folder: RunFolder,
  events: TrainEvents,
  init: InitialWeights | undefined,
): Promise<RunParts> {
  const checkpoint = newestCheckpoint(folder, events);
  if (checkpoint) checkSameSettings(folder.path, settings, checkpoint, train.count);
  const state = new State(gpu);
  const model = new SimClr(modelOptions(settings));
  const source = settings.images === 'gpu' ? residentImages(state, train) : hostImages(train);
  const options = pretrainingOptions(settings);
  const early: TrainWarning[] = [];
  let warn = (warning: TrainWarning) => void early.push(warning);
  const pretraining = await Pretraining.create(state, model, source, options, {
    onPipeline: (done, total) => events.onPipeline?.(done, total),
    onWarning: (warning) => warn(warning),
  });
  const monitor = await Monitor.create(state, model, source, options);
  const probe = labelled && settings.knnEvery > 0 ? await Probe.create(state, model, labelled, settings) : undefined;
  const { optimizer, scaling } = pretraining.traced;
  if (checkpoint) restore(state, model, optimizer, checkpoint);
  else if (init) loadInitialWeights(state, model, init);
  if (checkpoint && scaling) restoreLossScale(state, scaling, checkpoint);
  folder.rewindMetrics(checkpoint?.progress.step ?? 0);
  warn = (warning) => {
    // What is wrong with the images stands in the log of a run that is resumed.
    if (warning.step > 0 || !checkpoint) folder.log({ type: 'warning', ...warning });
    events.onWarning?.(warning);
  };
  early.forEach(warn);
  const initialised = !checkpoint && init !== undefined;
  return {
    ...{ gpu, state, model, source, pretraining, monitor, probe, settings, folder, events, checkpoint, initialised },
  };
}
