import { BufferPool } from '../graph/buffer_pool.ts';
import { Program, type Run } from '../graph/program.ts';
import type { State } from '../graph/state.ts';
import type { Data } from '../graph/tensor.ts';
import { checkPrecision } from '../ops/precision.ts';
import { type ScaleReport, scaleReport } from '../optim/loss_scaling.ts';
import { sharedData } from './epoch_data.ts';
import type { EpochData } from './feeds.ts';
import { Health, type Observed, type TrainWarning } from './health.ts';
import type { EpochContext } from './method.ts';
import { type PhaseRun, phaseRuns, type StepCounters, scheduledRate } from './phase_runs.ts';
import { RankExchange } from './rank_exchange.ts';
import { groupOutput, type Phase, type StepParts, type TracedStep } from './step.ts';
import { traceStep } from './trace_step.ts';

/** What a step shows. */
export interface StepValues {
  readonly loss: number;
  /** What the method logs beside it, and the losses of further groups. */
  readonly metrics: Readonly<Record<string, number>>;
  /** The first step whose loss or gradients were not finite, from which on weights stay as they are; 0 while there was none. */
  readonly firstNonFinite: number;
  /** The next step's loss scale, of the first group; set in f16. */
  readonly lossScale: ScaleReport | undefined;
  /** One of the processes that share the batch has been asked to stop, and so all of them are. */
  readonly stop?: boolean;
}

/** A step that was submitted. */
export interface StepRun {
  /** Waits for the step's values; to be called once, before four further steps. */
  read(): Promise<StepValues>;
}

export interface CompileOptions {
  /** Keeps all intermediates readable, to look for a fault. */
  readonly inspect?: boolean;
  /** Launches of the phase under way whose pipelines are there. */
  readonly onPipeline?: (done: number, total: number) => void;
  /**
   * Called when the training learns nothing (its embeddings have collapsed, its loss stays at chance), from a step's `read()`; and
   * before compiling, if images are there more than once and that does harm, or are not of the kind that the method learns from.
   */
  readonly onWarning?: (warning: TrainWarning) => void;
}

/**
 * Phases, or what belongs to them, in the order in which they take memory: the last of them that are run for pieces computes
 * gradients and needs most, so that the others fit into what it has (see `BufferPool`).
 */
export const inMemoryOrder = <T>(phases: readonly T[]): T[] => phases.toReversed();

/** How often a step runs a phase. */
export const runsOf = ({ images }: Pick<Phase, 'images'>, batchSize: number): number =>
  images === 0 ? 1 : batchSize / images;

/** What the last phase of a step gives. */
interface Outputs {
  readonly outputs: Readonly<Record<string, Data>>;
  readonly stop?: boolean;
}

/** Says of each run whether its phase ends with it. */
function* lastOfPhases<T extends PhaseRun>(runs: Iterable<T>): Generator<T & { readonly isLast: boolean }> {
  let held: T | undefined;
  for (const run of runs) {
    if (held) yield { ...held, isLast: held.phase !== run.phase };
    held = run;
  }
  if (held) yield { ...held, isLast: true };
}

/** A compiled step of a method on one device. */
export class TrainingStep {
  /** What the epoch under way began with; see `Learner.beforeEpoch`. In every checkpoint. */
  epochData: EpochData = {};
  /** The steps of processes that share the batch, each behind the one before. */
  private underWay: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly traced: TracedStep,
    private readonly parts: StepParts,
    private readonly programs: ReadonlyMap<Phase, Program>,
    private readonly pool: BufferPool,
    private readonly health: Health | undefined,
    /** Set where several processes share the batch. */
    readonly exchange: RankExchange | undefined,
  ) {}

  /** Traces, plans and compiles. UserError: the device lacks what the precision needs, or micro-batches that do not fit. */
  static create(state: State, parts: StepParts, compile: CompileOptions = {}): Promise<TrainingStep> {
    return TrainingStep.compile(state, traceStep(parts), parts, compile);
  }

  /** Plans and compiles a step that was traced. UserError: the device lacks what its precision needs. */
  static async compile(
    state: State,
    traced: TracedStep,
    parts: StepParts,
    compile: CompileOptions = {},
  ): Promise<TrainingStep> {
    const { source, settings, learner } = parts;
    checkPrecision(settings, state.gpu.traits);
    const { onWarning } = compile;
    const health = onWarning && new Health(source.set, settings.batchSize, learner, onWarning);
    health?.checkImages();
    const pool = new BufferPool(state.gpu);
    const programs = new Map<Phase, Program>();
    for (const phase of inMemoryOrder(traced.phases))
      programs.set(phase, await Program.compile(phase.graph, state, phase.outputs, { ...compile, pool }));
    const exchange = parts.ranks && new RankExchange(state, parts.ranks);
    return new TrainingStep(traced, parts, programs, pool, health, exchange);
  }

  /** Does what a learner does before an epoch; of processes that share the batch, the first does it for all. */
  async beginEpoch(epoch: EpochContext): Promise<void> {
    const { learner, ranks } = this.parts;
    const make = async (features = epoch.features) => (await learner.beforeEpoch?.({ ...epoch, features })) ?? {};
    this.epochData = ranks ? await sharedData(ranks, epoch.features, make) : await make();
  }

  /** The learning rate of a step, where none is given. */
  lr(step: number): number {
    return scheduledRate(this.parts, step);
  }

  /** What a step on the images with these indices runs. */
  *runs(indices: Uint32Array, counters: StepCounters): Generator<PhaseRun & { program: Program }> {
    for (const run of phaseRuns(this.traced, this.parts, indices, counters, this.epochData))
      yield { ...run, program: this.programs.get(run.phase)! };
  }

  /** Runs one step on the images with these indices. Returns at once; `read()` waits for what it shows. */
  step(indices: Uint32Array, counters: StepCounters): StepRun {
    const read = this.exchange ? this.together(this.exchange, indices, counters) : this.alone(indices, counters);
    return {
      read: async () => {
        const { outputs, stop } = await read();
        const values = this.values(outputs, stop);
        if (values.firstNonFinite === 0) this.health?.observe(counters.step, values);
        return values;
      },
    };
  }

  /** All phases one after another. */
  private alone(indices: Uint32Array, counters: StepCounters): () => Promise<Outputs> {
    let last: Run | undefined;
    for (const { program, inputs } of this.runs(indices, counters)) last = program.run(inputs);
    if (!last) throw new Error('a step has at least one phase');
    const { read } = last;
    return async () => ({ outputs: await read() });
  }

  /** The same, with what the processes exchange between phases. A step waits for the one before; none runs behind one that failed. */
  private together(exchange: RankExchange, indices: Uint32Array, counters: StepCounters): () => Promise<Outputs> {
    const run = async (): Promise<Outputs> => {
      await exchange.begin(this.traced.phases);
      let last: Run | undefined;
      let stop = false;
      for (const { phase, program, inputs, isLast } of lastOfPhases(this.runs(indices, counters))) {
        const made = await program.runShared(inputs, exchange.peers(phase, isLast));
        if (isLast && phase.exchange)
          stop = (await exchange.behind(phase.exchange, made, counters.stop ?? false)) || stop;
        last = made;
      }
      if (!last) throw new Error('a step has at least one phase');
      return { outputs: await last.read(), stop };
    };
    const done = this.underWay.then(run);
    this.underWay = done;
    done.catch(() => {}); // whoever reads the step is told
    return () => done;
  }

  private values(outputs: Readonly<Record<string, Data>>, stop: boolean | undefined): StepValues {
    const own = new Set(['loss']);
    const bad = this.traced.groups.map(({ declared }, i) => {
      for (const name of ['firstNonFinite', 'lossScale', 'lossScaleCounts'])
        own.add(groupOutput(name, declared.name, i));
      return outputs[groupOutput('firstNonFinite', declared.name, i)]?.[0] ?? 0;
    });
    const metrics = Object.entries(outputs).filter(([name]) => !own.has(name));
    return {
      loss: outputs['loss'][0],
      metrics: Object.fromEntries(metrics.map(([name, [value]]) => [name, value])),
      firstNonFinite: bad.find((step) => step !== 0) ?? 0,
      lossScale: scaleReport(outputs),
      ...(stop !== undefined && { stop }),
    };
  }

  /** Takes note of the steps that a run took before it was resumed. */
  recall(steps: Iterable<Observed & { readonly step: number }>): void {
    this.health?.recall(steps);
  }

  /** What is wrong with the training after the steps that were read, `step` the last; undefined where nothing is known to be. */
  warningAt(step: number): TrainWarning | undefined {
    return this.health?.atEnd(step);
  }

  /** Gives the programs' memory back to the device's pool. Variables stay. */
  destroy(): void {
    this.exchange?.destroy();
    for (const program of this.programs.values()) program.destroy();
    this.pool.release();
  }
}
