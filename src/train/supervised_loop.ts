import { z } from 'zod';
import { type Examples, evaluate, Predictor } from '../analysis/classifier.ts';
import { batchOf, epochOrder, stepsPerEpoch } from '../data/order.ts';
import type { Run } from '../graph/program.ts';
import type { State } from '../graph/state.ts';
import { measured } from '../io/checked.ts';
import type { Classifier } from '../nn/classifier.ts';
import { type ScaleReport, scaleReport } from '../optim/loss_scaling.ts';
import { divergenceOf, divergenceRemedy } from './diagnose.ts';
import { learningRate } from './settings.ts';
import { labelsOf, type SupervisedData } from './supervised_data.ts';
import { type SupervisedEpoch, type SupervisedEvents, supervisedEpoch } from './supervised_events.ts';
import { type SupervisedFolder, supervisedCheckpoint } from './supervised_folder.ts';
import { type SupervisedSettings, supervisedStepOptions } from './supervised_settings.ts';
import {
  type SupervisedMode,
  SupervisedStep,
  type TrainingExamples,
  traceSupervised,
  trainedPart,
} from './supervised_step.ts';
import {
  lossScaleProgress,
  readLossScale,
  restore,
  restoreLossScale,
  saveTraining,
  stepCount,
} from './training_file.ts';

/** What a training works on and with. */
export interface SupervisedTask {
  readonly state: State;
  readonly classifier: Classifier;
  readonly data: SupervisedData;
  readonly mode: SupervisedMode;
  readonly settings: SupervisedSettings;
  readonly folder: SupervisedFolder;
  readonly events: SupervisedEvents;
  /** The two sets as a step and as the test take them. */
  readonly train: TrainingExamples;
  readonly test: Examples;
}

/** Counters of a training, without which it could not go on exactly. */
const progressSchema = z.object({
  step: stepCount(),
  /** Sums over the steps of the epoch that is under way. */
  loss: measured(),
  accuracy: z.number(),
  trainSeconds: z.number(),
  epochs: z.array(supervisedEpoch).readonly(),
  /** Of earlier processes. */
  wallSeconds: z.number(),
  /** Set where weights are trained in f16; of the time of the checkpoint. */
  lossScale: lossScaleProgress.optional(),
});
type Progress = Readonly<z.infer<typeof progressSchema>>;

const atStart: Progress = { step: 0, loss: 0, accuracy: 0, trainSeconds: 0, epochs: [], wallSeconds: 0 };

/** Steps whose results may be unread while further ones are submitted. */
const stepsInFlight = 2;

/** Images in a batch: the setting, or all where there are fewer. */
export const batchSizeFor = ({ train }: SupervisedData, { batchSize }: SupervisedSettings): number =>
  Math.min(batchSize, train.count);

/** A supervised training, from its start or its checkpoint to its end. */
export class SupervisedLoop {
  private readonly pending: { step: number; epoch: number; lr: number; indices: Uint32Array; run: Run }[] = [];
  private readonly batchSize: number;
  private readonly perEpoch: number;
  private readonly total: number;
  private saved: number;
  private lossScale: ScaleReport | undefined;
  private lapStart = performance.now();

  private constructor(
    private readonly task: SupervisedTask,
    private readonly step: SupervisedStep,
    private readonly predictor: Predictor,
    private progress: Progress,
    private readonly started: number,
  ) {
    this.batchSize = batchSizeFor(task.data, task.settings);
    this.perEpoch = stepsPerEpoch(task.data.train.count, this.batchSize);
    this.total = this.perEpoch * task.settings.epochs;
    this.saved = progress.step;
  }

  /** Compiles and, where the folder has a checkpoint, restores it. `started` is when work began (`performance.now()`). */
  static async create(task: SupervisedTask, started: number): Promise<SupervisedLoop> {
    const { state, classifier, data, mode, settings, folder, events, train, test } = task;
    const options = supervisedStepOptions(settings, batchSizeFor(data, settings));
    const traced = traceSupervised(classifier, mode, train, options);
    const step = await SupervisedStep.compile(state, traced, train, {
      onPipeline: (done, total) => events.onPipeline?.(done, total),
    });
    const predictor = await Predictor.create(state, classifier, test);
    let progress = atStart;
    const checkpoint = folder.checkpoint(progressSchema);
    if (checkpoint) {
      restore(state, trainedPart(classifier, mode, options), traced.optimizer, checkpoint);
      if (traced.scaling) restoreLossScale(state, traced.scaling, checkpoint);
      progress = checkpoint.progress;
    }
    folder.rewindMetrics(progress.step);
    return new SupervisedLoop(task, step, predictor, progress, started);
  }

  get stepsPerEpoch(): number {
    return this.perEpoch;
  }

  /** Steps done. */
  get steps(): number {
    return this.progress.step;
  }

  /** Seconds of all processes that worked on the training. */
  get wallSeconds(): number {
    return this.progress.wallSeconds + (performance.now() - this.started) / 1000;
  }

  /** Trains to the end. When `signal` is aborted, the step under way is finished and saved, and the signal's reason thrown. */
  async run(signal?: AbortSignal): Promise<readonly SupervisedEpoch[]> {
    const { perEpoch, total } = this;
    const { data, settings } = this.task;
    let order: { epoch: number; indices: Uint32Array } | undefined;
    this.lap();
    for (let done = this.progress.step; done < total; done++) {
      if (signal?.aborted) {
        await this.save();
        signal.throwIfAborted();
      }
      const epoch = Math.floor(done / perEpoch);
      if (order?.epoch !== epoch) order = { epoch, indices: epochOrder(data.train.count, settings.seed, epoch) };
      await this.train(done + 1, epoch, batchOf(order.indices, done % perEpoch, this.batchSize));
      if ((done + 1) % perEpoch === 0) await this.endEpoch(epoch + 1);
    }
    return this.progress.epochs;
  }

  private async train(step: number, epoch: number, indices: Uint32Array): Promise<void> {
    const { data, settings, state } = this.task;
    const lr = learningRate(settings, step, this.total, this.perEpoch);
    const run = this.step.run(indices, labelsOf(data.train, indices), { step, epoch, lr });
    this.pending.push({ step, epoch, lr, indices, run });
    await this.settle(state.gpu.traits.software ? 0 : stepsInFlight - 1);
  }

  /** Reads results until at most `left` steps are unread. */
  private async settle(left: number): Promise<void> {
    while (this.pending.length > left) {
      const { step, epoch, lr, indices, run } = this.pending.shift()!;
      const values = await run.read();
      if (values['firstBad'][0] !== 0) throw await this.divergence(step, epoch, lr, indices);
      const [loss, accuracy] = [values['loss'][0], values['accuracy'][0]];
      this.lossScale = scaleReport(values);
      const { progress, task, lossScale } = this;
      this.progress = { ...progress, step, loss: progress.loss + loss, accuracy: progress.accuracy + accuracy };
      const report = { step, epoch: epoch + 1, loss, accuracy, lr, lossScale };
      task.folder.log({ type: 'step', ...report });
      task.events.onStep?.({ ...report, steps: this.total });
    }
  }

  private divergence(step: number, epoch: number, lr: number, indices: Uint32Array): Promise<Error> {
    const { state, classifier, data, train } = this.task;
    const { traced } = this.step;
    return divergenceOf(step, this.advice(), state, classifier.parameters, async function* () {
      const again = await SupervisedStep.compile(state, traced, train, { inspect: true });
      try {
        await again.run(indices, labelsOf(data.train, indices), { step, epoch, lr }).read();
        yield again.program;
      } finally {
        again.program.destroy();
      }
    });
  }

  /** What to do about values that are not finite. */
  private advice(): string {
    const { settings, folder } = this.task;
    const words: Readonly<Record<string, string>> = { lr: 'the learning rate', weightDecay: 'the weight decay' };
    const good = folder.hasGoodCheckpoint(progressSchema) ? '; the last checkpoint is good' : '';
    return divergenceRemedy(settings, (name) => words[name]) + good;
  }

  private async endEpoch(epoch: number): Promise<void> {
    const { data, settings, folder, events } = this.task;
    await this.settle(0);
    const trainSeconds = this.progress.trainSeconds + this.lap();
    const tested = evaluate(await this.predictor.predict(), data.test.labels!);
    const { step, loss, accuracy, epochs, wallSeconds } = this.progress;
    const report: SupervisedEpoch = {
      epoch,
      trainLoss: loss / this.perEpoch,
      trainAccuracy: accuracy / this.perEpoch,
      testLoss: tested.loss,
      testAccuracy: tested.accuracy,
      testBalancedAccuracy: tested.balancedAccuracy,
      lr: learningRate(settings, step, this.total, this.perEpoch),
      lossScale: this.lossScale,
      seconds: trainSeconds + this.lap(),
      imagesPerSecond: (this.perEpoch * this.batchSize) / trainSeconds,
    };
    this.progress = { ...atStart, step, epochs: [...epochs, report], wallSeconds };
    folder.log({ type: 'epoch', step, ...report });
    events.onEpoch?.(report);
    if (step < this.total && epoch % settings.checkpointEvery === 0) await this.save();
    this.lap();
  }

  /** Seconds since the last call. */
  private lap(): number {
    const start = this.lapStart;
    this.lapStart = performance.now();
    return (this.lapStart - start) / 1000;
  }

  private async save(): Promise<void> {
    await this.settle(0);
    if (this.saved === this.progress.step) return;
    const { state, classifier, mode, settings, folder } = this.task;
    const { optimizer, scaling } = this.step.traced;
    const progress: Progress = {
      ...this.progress,
      trainSeconds: this.progress.trainSeconds + (this.progress.step % this.perEpoch > 0 ? this.lap() : 0),
      wallSeconds: this.wallSeconds,
      lossScale: scaling && (await readLossScale(state, scaling)),
    };
    const trained = trainedPart(classifier, mode, settings);
    const file = folder.checkpointFile;
    const kind = supervisedCheckpoint;
    await saveTraining(file, state, trained, optimizer, kind, settings, progress, () => this.advice());
    this.saved = progress.step;
  }

  destroy(): void {
    this.step.program.destroy();
    this.predictor.destroy();
  }
}
