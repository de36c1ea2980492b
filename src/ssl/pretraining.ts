import type { ImageSource } from '../data/source.ts';
import { type Inputs, Program, type Run } from '../graph/program.ts';
import type { State } from '../graph/state.ts';
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

export interface CompileOptions {
  /** Keeps all intermediates readable, to look for a fault. */
  readonly inspect?: boolean;
  /** Launches of the phase under way whose pipelines are there. */
  readonly onPipeline?: (done: number, total: number) => void;
}

/** Traces one step from image indices to updated weights, at once or in pieces. UserError: the pieces do not make up the batch. */
export function tracePretraining(model: Trainable, source: ImageSource, options: PretrainingOptions): PretrainingGraph {
  const { batchSize, microBatch } = options;
  const whole = microBatch === 0 || microBatch === batchSize;
  return (whole ? plainStep : microBatchStep)(model, source, options);
}

/** How often a step runs a phase. */
export const runsOf = ({ pairs }: Phase, batchSize: number): number => (pairs === 0 ? 1 : batchSize / pairs);

/** One run of one of a step's phases. */
export interface PhaseRun {
  readonly phase: Phase;
  /** Which phase it is, from 0. */
  readonly index: number;
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
  for (const [index, phase] of phases.entries()) {
    if (phase.pairs === 0) {
      yield { phase, index, inputs: shared };
      continue;
    }
    for (let first = 0; first < batchSize; first += phase.pairs) {
      const piece = indices.subarray(first, first + phase.pairs);
      yield {
        phase,
        index,
        inputs: { ...shared, indices: piece, first: Uint32Array.of(first), ...source.inputs(piece) },
      };
    }
  }
}

/** A compiled SimCLR step on one device. */
export class Pretraining {
  private constructor(
    readonly traced: PretrainingGraph,
    /** One for each phase. */
    readonly programs: readonly Program[],
    private readonly source: ImageSource,
    private readonly options: PretrainingOptions,
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

  /** Plans and compiles a step that was traced. */
  static async compile(
    state: State,
    traced: PretrainingGraph,
    source: ImageSource,
    options: PretrainingOptions,
    compile: CompileOptions = {},
  ): Promise<Pretraining> {
    const programs: Program[] = [];
    for (const { graph, outputs } of traced.phases)
      programs.push(await Program.compile(graph, state, outputs, compile));
    return new Pretraining(traced, programs, source, options);
  }

  /** The runs that a step on the images with these indices consists of, each with its inputs. */
  *runs(indices: Uint32Array, counters: StepCounters): Generator<PhaseRun & { program: Program }> {
    for (const run of phaseRuns(this.traced, this.source, this.options, indices, counters))
      yield { ...run, program: this.programs[run.index] };
  }

  /** Runs one step on the images with these indices. Returns at once; `read()` waits for loss, accuracy and firstBad. */
  step(indices: Uint32Array, counters: StepCounters): Run {
    let last: Run | undefined;
    for (const { program, inputs } of this.runs(indices, counters)) last = program.run(inputs);
    if (!last) throw new Error('a step has at least one phase');
    return last;
  }

  /** Gives the programs' memory back to the device's pool. Variables stay. */
  destroy(): void {
    for (const program of this.programs) program.destroy();
  }
}
