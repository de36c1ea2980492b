import type { ImageSource } from '../data/source.ts';
import { type Inputs, Program, type Run } from '../graph/program.ts';
import { SlotPool } from '../graph/slot_pool.ts';
import type { State } from '../graph/state.ts';
import { checkPrecision } from '../ops/precision.ts';
import { type ScaleReport, scaleReport } from '../optim/loss_scaling.ts';
import { Health, type TrainWarning } from './health.ts';
import { microBatchStep } from './micro_batch.ts';
import { type Phase, type PretrainingGraph, type PretrainingOptions, plainStep, type Trainable } from './step.ts';
import { viewSeeds } from './views.ts';

export { type PretrainingOptions, pretrainingDefaults } from './step.ts';
export { blurKernel, twoViews, viewSeeds } from './views.ts';

export interface StepCounters {
  /** From 1. */
  readonly step: number;
  /** From 0; other epochs show an image under other augmentations. */
  readonly epoch: number;
  readonly lr: number;
}

/** What a step shows. */
export interface StepValues {
  /** NT-Xent of the batch. */
  readonly loss: number;
  /** Share of the views whose nearest other view is their positive. */
  readonly accuracy: number;
  /**
   * Standard deviation over the batch of each dimension of the normalised embeddings, averaged over the dimensions: about
   * 1/√features where they point everywhere, 0 where they are all equal (Chen & He, 2021).
   */
  readonly embeddingStd: number;
  /** The first step whose loss or gradients were not finite, from which on weights stay as they are; 0 while there was none. */
  readonly firstBad: number;
  /** The next step's loss scale; set in f16. */
  readonly lossScale: ScaleReport | undefined;
}

/** A step that was submitted. */
export interface StepRun {
  /** Waits for the step's values; to be called once, before four further steps. */
  read(): Promise<StepValues>;
}

function stepValues(outputs: Awaited<ReturnType<Run['read']>>): StepValues {
  const [loss, accuracy, embeddingStd, firstBad] = ['loss', 'accuracy', 'embeddingStd', 'firstBad'].map(
    (name) => outputs[name][0],
  );
  return { loss, accuracy, embeddingStd, firstBad, lossScale: scaleReport(outputs) };
}

export interface CompileOptions {
  /** Keeps all intermediates readable, to look for a fault. */
  readonly inspect?: boolean;
  /** Launches of the phase under way whose pipelines are there. */
  readonly onPipeline?: (done: number, total: number) => void;
  /**
   * Called when the training learns nothing (its embeddings have collapsed, its loss stays at chance), from a step's `read()`; and
   * while compiling, if images are there more than once.
   */
  readonly onWarning?: (warning: TrainWarning) => void;
}

/** Traces one step from image indices to updated weights, at once or in pieces. UserError: the pieces do not make up the batch. */
export function tracePretraining(model: Trainable, source: ImageSource, options: PretrainingOptions): PretrainingGraph {
  const { batchSize, microBatch } = options;
  const whole = microBatch === 0 || microBatch === batchSize;
  return (whole ? plainStep : microBatchStep)(model, source, options);
}

/**
 * Phases, or what belongs to them, in the order in which they take memory: the last of them that are run for pieces computes
 * gradients and needs most, so that the others fit into what it has (see `SlotPool`).
 */
export const inMemoryOrder = <T>(phases: readonly T[]): T[] => phases.toReversed();

/** How often a step runs a phase. */
export const runsOf = ({ pairs }: Phase, batchSize: number): number => (pairs === 0 ? 1 : batchSize / pairs);

/** One run of one of a step's phases. */
export interface PhaseRun {
  readonly phase: Phase;
  readonly inputs: Inputs;
}

/** What a step on the images with these indices runs, in its order: each phase once, or once for each piece of the batch. */
export function* phaseRuns(
  { phases, optimizer }: PretrainingGraph,
  source: ImageSource,
  { seed, batchSize }: PretrainingOptions,
  indices: Uint32Array,
  { step, epoch, lr }: StepCounters,
): Generator<PhaseRun> {
  const shared = { seeds: viewSeeds(seed, epoch), step: Uint32Array.of(step), ...optimizer.scalars(step, lr) };
  for (const phase of phases) {
    if (phase.pairs === 0) {
      yield { phase, inputs: shared };
      continue;
    }
    for (let first = 0; first < batchSize; first += phase.pairs) {
      const piece = indices.subarray(first, first + phase.pairs);
      yield {
        phase,
        inputs: { ...shared, indices: piece, first: Uint32Array.of(first), ...source.inputs(piece) },
      };
    }
  }
}

/** A compiled SimCLR step on one device. */
export class Pretraining {
  private constructor(
    readonly traced: PretrainingGraph,
    private readonly programs: ReadonlyMap<Phase, Program>,
    private readonly pool: SlotPool,
    private readonly source: ImageSource,
    private readonly options: PretrainingOptions,
    private readonly health: Health,
  ) {}

  /** Traces, plans and compiles. */
  static create(
    state: State,
    model: Trainable,
    source: ImageSource,
    options: PretrainingOptions,
    compile: CompileOptions = {},
  ): Promise<Pretraining> {
    return Pretraining.compile(state, tracePretraining(model, source, options), source, options, compile);
  }

  /** Plans and compiles a step that was traced. UserError: the device lacks what its precision needs. */
  static async compile(
    state: State,
    traced: PretrainingGraph,
    source: ImageSource,
    options: PretrainingOptions,
    compile: CompileOptions = {},
  ): Promise<Pretraining> {
    checkPrecision(options, state.gpu.traits);
    const pool = new SlotPool(state.gpu);
    const programs = new Map<Phase, Program>();
    for (const phase of inMemoryOrder(traced.phases))
      programs.set(phase, await Program.compile(phase.graph, state, phase.outputs, { ...compile, pool }));
    const { onWarning } = compile;
    const { batchSize } = options;
    const health = new Health(source.set, { batchSize, features: traced.features }, (warning) => onWarning?.(warning));
    if (onWarning) health.checkImages();
    return new Pretraining(traced, programs, pool, source, options, health);
  }

  /** The runs that a step on the images with these indices consists of, each with its inputs. */
  *runs(indices: Uint32Array, counters: StepCounters): Generator<PhaseRun & { program: Program }> {
    for (const run of phaseRuns(this.traced, this.source, this.options, indices, counters))
      yield { ...run, program: this.programs.get(run.phase)! };
  }

  /** Runs one step on the images with these indices. Returns at once; `read()` waits for what it shows. */
  step(indices: Uint32Array, counters: StepCounters): StepRun {
    let last: Run | undefined;
    for (const { program, inputs } of this.runs(indices, counters)) last = program.run(inputs);
    if (!last) throw new Error('a step has at least one phase');
    const { read } = last;
    return {
      read: async () => {
        const values = stepValues(await read());
        if (values.firstBad === 0) this.health.observe(counters.step, values);
        return values;
      },
    };
  }

  /** What is wrong with the training after the steps that were read, `step` the last; undefined where nothing is known to be. */
  warningAt(step: number): TrainWarning | undefined {
    return this.health.atEnd(step);
  }

  /** Gives the programs' memory back to the device's pool. Variables stay. */
  destroy(): void {
    for (const program of this.programs.values()) program.destroy();
    this.pool.release();
  }
}
