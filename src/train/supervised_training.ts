/** A supervised training in a folder of its own: the loop, a test after every epoch, and its checkpoint. */
import { z } from 'zod';
import { type Examples, evaluate, Predictor } from '../analysis/classifier.ts';
import type { ImageSource } from '../data/source.ts';
import type { State } from '../graph/state.ts';
import type { Tensor } from '../graph/tensor.ts';
import { classification, supervisedViews, unlabelledViews } from '../methods/supervised.ts';
import type { Classifier } from '../nn/classifier.ts';
import type { Feeds } from '../ssl/feeds.ts';
import { trainingMode } from '../ssl/step.ts';
import { TrainingStep } from '../ssl/training_step.ts';
import { divergenceRemedy } from './diagnose.ts';
import type { StepReport } from './events.ts';
import { imageFacts, type Training } from './learner.ts';
import { Loop } from './loop.ts';
import { atStart, meansOf, progressShape, withFormerSums } from './progress.ts';
import type { SupervisedData } from './supervised_data.ts';
import { type SupervisedEpoch, type SupervisedEvents, supervisedEpoch } from './supervised_events.ts';
import { type SupervisedFolder, supervisedCheckpoint } from './supervised_folder.ts';
import type { SupervisedMode, SupervisedSettings } from './supervised_settings.ts';
import { saveTraining } from './training_file.ts';
import { restore } from './training_values.ts';

/** What a training works on and with. */
export interface SupervisedTask {
  readonly state: State;
  readonly classifier: Classifier;
  readonly data: SupervisedData;
  readonly mode: SupervisedMode;
  readonly settings: SupervisedSettings;
  readonly folder: SupervisedFolder;
  readonly events: SupervisedEvents;
  readonly source: ImageSource;
  /** Features in place of images: see `ClassificationOptions`. */
  readonly features?: ((feeds: Feeds) => Tensor) | undefined;
  /** Photos without labels, for the consistency loss. */
  readonly unlabelled?: ImageSource | undefined;
  /** The test set as the test takes it. */
  readonly test: Examples;
}

/** Counters of a training, without which it could not go on exactly. */
const progressSchema = z.preprocess(
  withFormerSums,
  z.object({
    ...progressShape,
    trainSeconds: z.number(),
    epochs: z.array(supervisedEpoch).readonly(),
    /** Of earlier processes. */
    wallSeconds: z.number(),
  }),
);
type Progress = Readonly<z.infer<typeof progressSchema>>;

const untrained: Progress = { ...atStart, trainSeconds: 0, epochs: [], wallSeconds: 0 };

/** Images in a batch: the setting, or all where there are fewer. */
export const batchSizeFor = ({ train }: SupervisedData, { batchSize }: SupervisedSettings): number =>
  Math.min(batchSize, train.count);

/** Compiles the step of a task. */
async function compile({
  state,
  classifier,
  data,
  mode,
  source,
  features,
  unlabelled,
  ...task
}: SupervisedTask): Promise<Training> {
  const settings = { ...task.settings, batchSize: batchSizeFor(data, task.settings), microBatch: 0, steps: 0 };
  const frozen = mode === 'frozen' ? settings.frozenBn : undefined;
  const learner = classification(classifier, {
    ...{ training: trainingMode(settings), frozen, freezeStages: settings.freezeStages, features },
    layerDecay: settings.layerDecay,
    ...(unlabelled && { consistency: settings }),
  });
  const perStep = Math.min(settings.consistencyRatio * settings.batchSize, unlabelled?.set.count ?? 0);
  const photos = unlabelled && unlabelledViews(settings, { name: 'unlabelled', source: unlabelled, perStep });
  const views = features ? [] : [...supervisedViews(settings), ...(photos ?? [])];
  const parts = { learner, views, source, settings };
  const onPipeline = (done: number, total: number) => task.events.onPipeline?.(done, total);
  return { ...parts, step: await TrainingStep.create(state, parts, { onPipeline }) };
}

/** A supervised training, from its start or its checkpoint to its end. */
export class SupervisedTraining {
  private readonly loop: Loop;
  private saved: number;
  private epochs: readonly SupervisedEpoch[];

  private constructor(
    private readonly task: SupervisedTask,
    readonly training: Training,
    private readonly predictor: Predictor,
    private readonly before: Progress,
    private readonly started: number,
  ) {
    const { state } = task;
    const { step, sums, summed, epochs } = before;
    this.loop = new Loop({
      ...{ state, training, progress: { step, sums, summed } },
      advice: () => this.advice(),
      onStep: (report) => this.onStep(report),
      features: () => Promise.reject(new Error('a supervised training does nothing on the host before an epoch')),
    });
    this.saved = step;
    this.epochs = epochs;
  }

  /** Compiles and, where the folder has a checkpoint, restores it. `started` is when work began (`performance.now()`). */
  static async create(task: SupervisedTask, started: number): Promise<SupervisedTraining> {
    const { state, classifier, folder, test } = task;
    const training = await compile(task);
    const predictor = await Predictor.create(state, classifier, test);
    const checkpoint = folder.checkpoint(progressSchema);
    if (checkpoint) restore(state, training.step.traced, checkpoint);
    const progress = checkpoint?.progress ?? untrained;
    folder.rewindMetrics(progress.step);
    return new SupervisedTraining(task, training, predictor, progress, started);
  }

  get stepsPerEpoch(): number {
    return this.loop.perEpoch;
  }

  /** Steps done. */
  get steps(): number {
    return this.loop.progress.step;
  }

  /** Seconds of all processes that worked on the training. */
  get wallSeconds(): number {
    return this.before.wallSeconds + (performance.now() - this.started) / 1000;
  }

  /** Seconds in training steps of the epoch under way, of all processes. */
  private get trainSeconds(): number {
    const before = this.epochs === this.before.epochs ? this.before.trainSeconds : 0;
    return before + this.loop.timed.seconds;
  }

  /** Trains to the end. When `signal` is aborted, the step under way is finished and saved, and the signal's reason thrown. */
  async run(signal?: AbortSignal): Promise<readonly SupervisedEpoch[]> {
    const { loop } = this;
    for await (const { endsEpoch, epoch } of loop.run(signal)) if (endsEpoch) await this.endEpoch(epoch);
    await loop.finish();
    if (loop.progress.step < loop.total) {
      await this.save();
      signal?.throwIfAborted();
    }
    return this.epochs;
  }

  private onStep(report: StepReport): void {
    const { step, epoch, loss, metrics, lr, lossScale } = report;
    this.task.folder.log({ type: 'step', step, epoch, loss, ...metrics, lr, lossScale });
    this.task.events.onStep?.(report);
  }

  /** What to do about values that are not finite. */
  private advice(): string {
    const { settings, folder } = this.task;
    const words: Readonly<Record<string, string>> = { lr: 'the learning rate', weightDecay: 'the weight decay' };
    const good = folder.hasGoodCheckpoint(progressSchema) ? '; the last checkpoint is good' : '';
    return divergenceRemedy(settings, (name) => words[name]) + good;
  }

  private async endEpoch(epoch: number): Promise<void> {
    const { loop, training } = this;
    const { data, settings, folder, events } = this.task;
    await loop.finish();
    const { trainSeconds } = this;
    const start = performance.now();
    const tested = evaluate(await this.predictor.predict(), data.test.labels!);
    const { step } = loop.progress;
    const { loss, accuracy, consistencyLoss, confident } = meansOf(loop.progress, loop.perEpoch);
    const report: SupervisedEpoch = {
      epoch,
      trainLoss: loss,
      trainAccuracy: accuracy,
      ...(confident !== undefined && { consistencyLoss, confident }),
      testLoss: tested.loss,
      testAccuracy: tested.accuracy,
      testBalancedAccuracy: tested.balancedAccuracy,
      lr: training.step.lr(step),
      lossScale: loop.lossScale,
      seconds: trainSeconds + (performance.now() - start) / 1000,
      imagesPerSecond: (loop.perEpoch * training.settings.batchSize) / trainSeconds,
    };
    this.epochs = [...this.epochs, report];
    loop.progress = { ...atStart, step };
    loop.timed = { steps: 0, seconds: 0 };
    folder.log({ type: 'epoch', step, ...report });
    events.onEpoch?.(report);
    if (step < loop.total && epoch % settings.checkpointEvery === 0) await this.save();
  }

  private async save(): Promise<void> {
    const { loop, training, wallSeconds, trainSeconds, epochs } = this;
    await loop.finish();
    const { step } = loop.progress;
    if (this.saved === step) return;
    const { state, settings, folder } = this.task;
    const progress: Progress = { ...loop.progress, trainSeconds, epochs, wallSeconds };
    const content = { settings, progress, images: imageFacts(training.source.set), epochData: {} };
    await saveTraining(folder.checkpointFile, state, training.step.traced, supervisedCheckpoint, content, () =>
      this.advice(),
    );
    this.saved = step;
  }

  destroy(): void {
    this.training.step.destroy();
    this.predictor.destroy();
  }
}
