/** What a run works with: made once, before its first step. */
import type { Dataset } from '../data/dataset.ts';
import { isImageSet, readable } from '../data/images.ts';
import { epochSteps } from '../data/order.ts';
import type { SampleSet } from '../data/samples.ts';
import { hostImages, type SampleSource } from '../data/source.ts';
import type { Gpu } from '../gpu/device.ts';
import { State } from '../graph/state.ts';
import { type Communicator, shareText } from '../mpi/communicator.ts';
import type { Observed, TrainWarning } from '../ssl/health.ts';
import type { CompileOptions } from '../ssl/training_step.ts';
import { type Checkpoint, newestCheckpoint, readCheckpoint } from './checkpoint.ts';
import type { TrainEvents } from './events.ts';
import { createFigures, type DrawableFigure } from './figures.ts';
import { type InitialWeights, loadInitialWeights } from './initial_weights.ts';
import { KnnMonitor } from './knn_monitor.ts';
import { checkRanks, compileTraining, sourceOf, type Training } from './learner.ts';
import type { RunFolder } from './run_folder.ts';
import { checkSameSettings } from './same_settings.ts';
import type { TrainSettings } from './settings.ts';
import { checkEpochData, restore } from './training_values.ts';

export interface RunParts {
  readonly gpu: Gpu;
  readonly state: State;
  readonly training: Training;
  readonly figures: readonly DrawableFigure[];
  readonly knn: KnnMonitor | undefined;
  readonly settings: TrainSettings;
  readonly folder: RunFolder;
  readonly events: TrainEvents;
  /** What the run goes on from; undefined: it begins. */
  readonly checkpoint: Checkpoint | undefined;
  /** The weights were given, and are not in a checkpoint yet. */
  readonly initialised: boolean;
}

/**
 * Uploads, compiles and, where the folder has checkpoints, restores the newest.
 * @param init what a run without checkpoints starts from, in place of drawn weights
 * @param ranks the processes that share each batch; the first keeps the folder, and draws by itself
 */
export async function prepareRun(
  gpu: Gpu,
  { train, probe: labelled }: Dataset<SampleSet>,
  settings: TrainSettings,
  folder: RunFolder,
  events: TrainEvents,
  init: InitialWeights | undefined,
  ranks?: Communicator,
): Promise<RunParts> {
  if (ranks) checkRanks(settings, ranks.size);
  const checkpoint = ranks ? await sharedCheckpoint(ranks, folder, events) : newestCheckpoint(folder, events);
  if (checkpoint) checkSameSettings(folder.path, settings, checkpoint, train);
  const state = new State(gpu);
  const early: TrainWarning[] = [];
  let warn = (warning: TrainWarning) => void early.push(warning);
  const compile: CompileOptions = {
    onPipeline: (done, total) => events.onPipeline?.(done, total),
    onWarning: (warning) => warn(warning),
  };
  const source = sourceOf(state, train, settings, ranks);
  const training = await compileTraining(state, source, settings, compile, ranks);
  const { learner, step } = training;
  const figures = folder.isKept ? await createFigures(state, { ...training, source: drawnSource(training) }) : [];
  const watched = settings.knnEvery > 0 ? labelled : undefined;
  const knn = watched && (await KnnMonitor.create(state, learner.encoder, watched, settings, ranks));
  if (checkpoint) {
    const withinEpoch = checkpoint.progress.step % epochSteps(train, settings.batchSize) !== 0;
    if (withinEpoch) checkEpochData(step.traced, checkpoint);
    restore(state, step.traced, checkpoint);
    step.epochData = checkpoint.epochData;
  } else if (init) loadInitialWeights(state, learner, init);
  folder.rewindMetrics(checkpoint?.progress.step ?? 0);
  step.recall(observedIn(folder));
  warn = (warning) => {
    // What is wrong with the images stands in the log of a run that is resumed.
    if (warning.step > 0 || !checkpoint) folder.log({ type: 'warning', ...warning });
    events.onWarning?.(warning);
  };
  early.forEach(warn);
  const initialised = !checkpoint && init !== undefined;
  return { gpu, state, training, figures, knn, settings, folder, events, checkpoint, initialised };
}

/** What figures show: any images that this process can read, where its device has those of its own share only. */
function drawnSource({ source }: Pick<Training, 'source'>): SampleSource {
  const { set } = source;
  return isImageSet(set) && (source.hold || set.own) ? hostImages(readable(set)) : source;
}

/** The newest checkpoint, the same on all processes. UserError: one of them cannot read it. */
async function sharedCheckpoint(
  ranks: Communicator,
  folder: RunFolder,
  events: TrainEvents,
): Promise<Checkpoint | undefined> {
  const own = folder.isKept ? newestCheckpoint(folder, events) : undefined;
  const step = await shareText(ranks, own ? String(own.progress.step) : '');
  return own ?? (step === '' ? undefined : readCheckpoint(folder.checkpointFile(Number(step))));
}

/** What the steps of a run showed so far; JSON has null for what is not finite. */
function* observedIn(folder: RunFolder): Generator<Observed & { readonly step: number }> {
  for (const { type, step, ...values } of folder.records()) {
    if (type !== 'step') continue;
    const metrics = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, number(value)]));
    yield { step, loss: metrics['loss'], metrics };
  }
}

const number = (value: unknown): number => (typeof value === 'number' ? value : Number.NaN);
