/** What a step consists of when it runs: its phases in their order, each with its inputs. */
import { epochSteps } from '../data/order.ts';
import type { Inputs } from '../graph/program.ts';
import type { EpochData, StepTime } from './feeds.ts';
import { random } from './rng.ts';
import { learningRate, totalSteps } from './settings.ts';
import { shareOf } from './shares.ts';
import { dropoutSeeds, type Phase, type StepParts, type TracedStep } from './step.ts';

export interface StepCounters {
  /** From 1. */
  readonly step: number;
  /** From 0; other epochs show an image under other augmentations. */
  readonly epoch: number;
  /** What the settings' schedule says by default. */
  readonly lr?: number;
  /** This process has been asked to stop: all that share the batch stop behind this step. */
  readonly stop?: boolean;
}

/** Apart from what methods draw. */
const dropoutDraw = 0x64726f70;

/** One run of one of a step's phases. */
export interface PhaseRun {
  readonly phase: Phase;
  readonly inputs: Inputs;
}

/** The learning rate that the schedule has for a step (from 1) of a training. */
export function scheduledRate({ source, settings }: StepParts, step: number): number {
  const perEpoch = epochSteps(source.set, settings.batchSize);
  return learningRate(settings, step, totalSteps(settings, perEpoch), perEpoch);
}

/**
 * The runs of a step on the images with these indices: each phase once, or once for each piece of the batch; of processes that share the
 * batch, for each piece of the own share of it.
 */
export function* phaseRuns(
  traced: TracedStep,
  parts: StepParts,
  indices: Uint32Array,
  counters: StepCounters,
  data: EpochData = {},
): Generator<PhaseRun> {
  const { source, settings } = parts;
  const { step, epoch, lr = scheduledRate(parts, step) } = counters;
  const perEpoch = epochSteps(source.set, settings.batchSize);
  const whole = {
    seed: settings.seed,
    step,
    epoch,
    steps: totalSteps(settings, perEpoch),
    perEpoch,
    indices,
    first: 0,
  };
  const scalars = optimizerScalars(traced, whole, lr);
  const share = shareOf(indices.length, parts.ranks);
  for (const phase of traced.phases) {
    const { begin, end } = phase.images === 0 ? { begin: 0, end: indices.length } : share;
    const length = phase.images || indices.length;
    for (let first = begin; first < end; first += length) {
      const piece = indices.subarray(first, first + length);
      const fed = {
        ...phase.feeds.values({ ...whole, indices: piece, first }, data),
        ...phase.batchFeeds?.values(whole, data),
      };
      const seeds = Uint32Array.of(random(settings.seed, step, first, dropoutDraw).below(2 ** 32));
      yield {
        phase,
        inputs: { ...fed, [dropoutSeeds.name]: seeds, ...scalars, ...(phase.images > 0 && source.inputs(piece)) },
      };
    }
  }
}

function optimizerScalars({ groups }: TracedStep, time: StepTime, lr: number): Inputs {
  const of = groups.map(({ trained: { optimizer }, rates }) =>
    optimizer.scalars(time.step, rates.at(time, lr, optimizer.rows)),
  );
  return Object.assign({}, ...of);
}
