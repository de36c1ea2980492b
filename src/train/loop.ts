/** The one training loop: the steps of a training in their order, whatever it trains and wherever it keeps what comes out. */
import { batchOf, epochSamples, epochSteps } from '../data/order.ts';
import { imagesOf } from '../data/source.ts';
import type { DeviceTraits } from '../gpu/device.ts';
import type { State } from '../graph/state.ts';
import type { EpochContext } from '../ssl/method.ts';
import { totalSteps } from '../ssl/settings.ts';
import { sharesOf } from '../ssl/shares.ts';
import type { StepRun } from '../ssl/training_step.ts';
import { divergence } from './diagnose.ts';
import { epochContext } from './epoch_context.ts';
import type { ScaleReport, StepReport } from './events.ts';
import type { Training } from './learner.ts';
import { type Progress, withStep } from './progress.ts';

/**
 * Steps whose results may be unread before the next one is submitted: one runs while the next is encoded. A software rasteriser
 * runs on the host's own processors, so nothing is gained by that there.
 */
export const stepsInFlight = ({ software }: DeviceTraits): number => (software ? 1 : 2);

/** What a loop works with. */
export interface LoopParts {
  readonly state: State;
  readonly training: Training;
  /** Where it begins. */
  readonly progress: Progress;
  /** What to do about values that are not finite. */
  readonly advice: () => string;
  readonly onStep: (report: StepReport) => void;
  readonly features: EpochContext['features'];
}

/** Where a loop is: behind a step that was submitted. */
export interface Passed {
  readonly step: number;
  /** From 1. */
  readonly epoch: number;
  readonly endsEpoch: boolean;
  readonly isLast: boolean;
}

interface Submitted {
  readonly step: number;
  readonly epoch: number;
  readonly lr: number;
  readonly indices: Uint32Array;
  readonly run: StepRun;
}

export class Loop {
  readonly perEpoch: number;
  readonly total: number;
  progress: Progress;
  /** Of the last step that was read. */
  metrics: Readonly<Record<string, number>> = {};
  lossScale: ScaleReport | undefined;
  /** Steps that this process ran since it was reset, and how long they took. */
  timed = { steps: 0, seconds: 0 };
  private readonly pending: Submitted[] = [];
  /** One of the processes that share the batch was asked to stop: all have learnt it from the same step. */
  private stopped = false;
  /** The epoch that was begun last. */
  private begun = -1;

  constructor(private readonly parts: LoopParts) {
    const { source, settings } = parts.training;
    this.perEpoch = epochSteps(source.set, settings.batchSize);
    this.total = totalSteps(settings, this.perEpoch);
    this.progress = parts.progress;
  }

  /** Submits steps to the end, or until `signal` is aborted, and says after each where it is. Their results may be unread: see `settle`. */
  async *run(signal?: AbortSignal): AsyncGenerator<Passed> {
    const { perEpoch, total } = this;
    const { set } = this.parts.training.source;
    const { seed, batchSize } = this.parts.training.settings;
    let order: { epoch: number; indices: Uint32Array } | undefined;
    for (let done = this.progress.step; done < total && !this.stops(signal); done++) {
      const epoch = Math.floor(done / perEpoch);
      if (order?.epoch !== epoch) {
        order = { epoch, indices: epochSamples(set, seed, epoch, batchSize) };
        this.hold(order.indices, done);
      }
      if (done % perEpoch === 0) await this.begin(epoch);
      await this.submit(done + 1, epoch, batchOf(order.indices, done % perEpoch, batchSize), signal?.aborted ?? false);
      const endsEpoch = (done + 1) % perEpoch === 0;
      yield { step: done + 1, epoch: epoch + 1, endsEpoch, isLast: done + 1 === total };
    }
  }

  /** Brings to the device what this process takes of an epoch, whose order that is, in the steps behind `done`. */
  private hold(order: Uint32Array, done: number): void {
    const { source, settings, ranks } = this.parts.training;
    const { batchSize } = settings;
    const start = performance.now();
    const first = done % this.perEpoch;
    const end = Math.min(this.perEpoch, first + this.total - done);
    source.hold?.(sharesOf(order.subarray(first * batchSize, end * batchSize), batchSize, ranks));
    this.addTime(0, start);
  }

  /** Whether no further step is to be submitted. A process that shares the batch cannot stop without the others, who would wait for it. */
  private stops(signal: AbortSignal | undefined): boolean {
    return this.parts.training.ranks ? this.stopped : (signal?.aborted ?? false);
  }

  /** What a method does on the host before an epoch, once. In the middle of one it is what the checkpoint has of it. */
  async begin(epoch = 0): Promise<void> {
    const { state, training, features } = this.parts;
    if (!training.learner.beforeEpoch || this.begun === epoch) return;
    this.begun = epoch;
    await this.settle(0);
    const { step, source, settings } = training;
    const { seed } = settings;
    const { set: images } = imagesOf(source);
    await step.beginEpoch(epochContext(state, { epoch, images, features, before: step.epochData, seed }));
  }

  private async submit(step: number, epoch: number, indices: Uint32Array, stop: boolean): Promise<void> {
    const { state, training } = this.parts;
    const lr = training.step.lr(step);
    const start = performance.now();
    this.pending.push({ step, epoch, lr, indices, run: training.step.step(indices, { step, epoch, lr, stop }) });
    // Processes that share a batch look at the same steps, whatever their devices: they stop behind the same one.
    await this.settle(training.ranks ? 0 : stepsInFlight(state.gpu.traits) - 1);
    this.addTime(1, start);
  }

  private addTime(steps: number, start: number): void {
    const { timed } = this;
    this.timed = { steps: timed.steps + steps, seconds: timed.seconds + (performance.now() - start) / 1000 };
  }

  /** Waits for all results. */
  async finish(): Promise<void> {
    const start = performance.now();
    await this.settle(0);
    this.addTime(0, start);
  }

  /** Reads results until at most `left` steps are unread. UserError: values that are not finite; says where they appeared. */
  private async settle(left: number): Promise<void> {
    while (this.pending.length > left) {
      const { run, indices, ...counters } = this.pending.shift()!;
      const { loss, metrics, firstNonFinite, lossScale, stop } = await run.read();
      const { state, training, advice, onStep } = this.parts;
      if (firstNonFinite !== 0) throw await divergence(state, training, indices, counters, advice());
      this.stopped ||= stop ?? false;
      this.lossScale = lossScale;
      this.metrics = metrics;
      const { step, epoch, lr } = counters;
      this.progress = withStep(this.progress, this.perEpoch, step, { loss, ...metrics });
      onStep({ step, steps: this.total, epoch: epoch + 1, loss, metrics, lr, lossScale });
    }
  }
}
