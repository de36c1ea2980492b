/** Sizes a run by time: how many steps fit into so many minutes on this device. */
import type { Dataset } from '../data/dataset.ts';
import { isImageSet, subset } from '../data/images.ts';
import { stepsPerEpoch } from '../data/order.ts';
import type { SampleSet } from '../data/samples.ts';
import type { Gpu } from '../gpu/device.ts';
import { State } from '../graph/state.ts';
import type { StepRun } from '../ssl/training_step.ts';
import { beginMeasured } from './epoch_context.ts';
import { checkImages, compileTraining, sourceOf } from './learner.ts';
import { stepsInFlight } from './loop.ts';
import type { TrainSettings } from './settings.ts';

/** How fast a device is at a run's step. */
export interface Pace {
  /** Median of the timed steps. */
  readonly stepSeconds: number;
  /** Making the model and compiling its step; a trainer spends about as much again on its other programs. */
  readonly setupSeconds: number;
}

export interface TimingEvents {
  readonly onPipeline?: (done: number, total: number) => void;
  /** Steps that were run, and how many are run at most. */
  readonly onTimed?: (done: number, most: number) => void;
}

/** Steps are timed, after the first, until there are `most` of them or `seconds` have passed. */
const timing = { most: 8, seconds: 5 } as const;
/** A run is never shorter, however little time is left: fewer steps do not even fill the running statistics of batch norm. */
export const leastSteps = 10;
/** Share of the time that is kept back, since the pace of a shared machine varies. */
const reserve = 0.05;

/**
 * Times steps of the run's own program on weights of their own: the run that follows starts as if nothing had been measured.
 *
 * @throws UserError fewer images than a batch takes, or the step does not fit on the device
 */
export async function measurePace(
  gpu: Gpu,
  { train }: Pick<Dataset<SampleSet>, 'train'>,
  settings: TrainSettings,
  { onPipeline, onTimed }: TimingEvents = {},
): Promise<Pace> {
  checkImages(train, settings);
  const start = performance.now();
  const state = new State(gpu);
  const indices = Uint32Array.from({ length: settings.batchSize }, (_, i) => i);
  const few = isImageSet(train) ? subset(train, indices) : train; // those that are uploaded
  const source = sourceOf(state, few, settings);
  const training = await compileTraining(state, source, settings, { onPipeline });
  const { step: compiled } = training;
  await beginMeasured(state, training);
  const setupSeconds = (performance.now() - start) / 1000;
  const step = (number: number) => compiled.step(indices, { step: number, epoch: 0, lr: settings.lr });
  const stepSeconds = await timeSteps(step, stepsInFlight(gpu.traits), onTimed);
  compiled.destroy();
  state.destroy();
  gpu.trim();
  return { stepSeconds, setupSeconds };
}

/** Median seconds from the end of a step to the end of the next, with as many in flight as in training. */
async function timeSteps(
  run: (step: number) => StepRun,
  inFlight: number,
  onTimed?: TimingEvents['onTimed'],
): Promise<number> {
  const pending: StepRun[] = [];
  const seconds: number[] = [];
  let total = 0;
  let ended: number | undefined;
  for (let step = 1; total < timing.seconds && seconds.length < timing.most; step++) {
    pending.push(run(step));
    if (pending.length < inFlight) continue;
    await pending.shift()!.read();
    const now = performance.now() / 1000;
    if (ended !== undefined) {
      seconds.push(now - ended);
      total += now - ended;
    }
    ended = now;
    onTimed?.(seconds.length, timing.most);
  }
  for (const left of pending) await left.read();
  return median(seconds);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** What a run does beside its steps, in seconds: before and after them, and on average for each of them. */
function besides(settings: TrainSettings, pace: Pace, perEpoch: number, probed: number) {
  const { batchSize, knnEvery } = settings;
  // A pair is two views, each of which a step computes forward and, at twice the price, backward: a probed image costs a sixth.
  const probe = knnEvery > 0 ? (pace.stepSeconds * probed) / (6 * batchSize) : 0;
  return { once: pace.setupSeconds + 2 * probe, each: knnEvery > 0 ? probe / (knnEvery * perEpoch) : 0 };
}

/**
 * Steps that fit into `seconds`, of which set-up, probes and figures take their part; never fewer than `leastSteps`.
 * @param perEpoch steps of an epoch
 * @param probed images whose features a probe computes
 */
export function stepsWithin(
  seconds: number,
  pace: Pace,
  settings: TrainSettings,
  perEpoch: number,
  probed: number,
): number {
  const { once, each } = besides(settings, pace, perEpoch, probed);
  return Math.max(leastSteps, Math.floor((seconds * (1 - reserve) - once) / (pace.stepSeconds + each)));
}

/** The settings of a run of so many steps: they and the epochs in which they lie are recorded, so that a resumed run is the same. */
export const withSteps = (settings: TrainSettings, steps: number, perEpoch: number): TrainSettings => ({
  ...settings,
  steps,
  epochs: Math.ceil(steps / perEpoch),
});

export interface Budgeted {
  readonly settings: TrainSettings;
  readonly pace: Pace;
}

export interface BudgetOptions extends TimingEvents {
  /** Seconds from now to the end of the run. */
  readonly secondsLeft: () => number;
  /** Sizes to try, in this order, while fewer than `enough` steps fit. */
  readonly smaller: readonly Partial<TrainSettings>[];
  readonly enough: number;
}

/** Measures this device and gives the run as many steps as fit into the time that is left. */
export async function fitToBudget(
  gpu: Gpu,
  dataset: Pick<Dataset<SampleSet>, 'train' | 'probe'>,
  settings: TrainSettings,
  options: BudgetOptions,
): Promise<Budgeted> {
  const { secondsLeft, smaller, enough } = options;
  const pace = await measurePace(gpu, dataset, settings, options);
  const perEpoch = stepsPerEpoch(dataset.train.count, settings.batchSize);
  const steps = stepsWithin(secondsLeft(), pace, settings, perEpoch, probedImages(dataset, settings));
  if (steps >= enough || smaller.length === 0) return { settings: withSteps(settings, steps, perEpoch), pace };
  const [sizes, ...rest] = smaller;
  return fitToBudget(gpu, dataset, { ...settings, ...sizes }, { ...options, smaller: rest });
}

/** Images whose features a probe computes. */
const probedImages = ({ probe }: Pick<Dataset<SampleSet>, 'probe'>, { knnImages }: TrainSettings): number =>
  probe ? Math.min(probe.train.count, knnImages) + Math.min(probe.test.count, knnImages) : 0;
