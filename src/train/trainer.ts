import type { Dataset } from '../data/dataset.ts';
import type { ImageSet } from '../data/images.ts';
import { batchOf, epochOrder, stepsPerEpoch } from '../data/order.ts';
import { hostImages, type ImageSource, residentImages } from '../data/source.ts';
import { UserError } from '../errors.ts';
import type { Recognition } from '../eval/recognition.ts';
import type { DeviceTraits, Gpu } from '../gpu/device.ts';
import { State } from '../graph/state.ts';
import type { TrainWarning } from '../ssl/health.ts';
import { Pretraining, type StepCounters, type StepRun } from '../ssl/pretraining.ts';
import { SimClr } from '../ssl/simclr.ts';
import { type Checkpoint, newestCheckpoint, type Progress, saveCheckpoint } from './checkpoint.ts';
import { divergence } from './diagnose.ts';
import type { EpochReport, ScaleReport, TrainEvents, TrainResult } from './events.ts';
import { type InitialWeights, loadInitialWeights } from './initial_weights.ts';
import { Monitor } from './monitor.ts';
import { Probe } from './probe.ts';
import type { RunFolder } from './run_folder.ts';
import { checkSameSettings } from './same_settings.ts';
import { learningRate, modelOptions, pretrainingOptions, type TrainSettings, totalSteps } from './settings.ts';
import { readLossScale, restore, restoreLossScale } from './training_file.ts';

/**
 * Steps whose results may be unread before the next one is submitted: one runs while the next is encoded. A software rasteriser
 * runs on the host's own processors, so nothing is gained by that there.
 */
export const stepsInFlight = ({ software }: DeviceTraits): number => (software ? 1 : 2);

const atStart: Progress = { step: 0, loss: 0, accuracy: 0, summed: 0 };

/** UserError: there are fewer images than a batch takes. */
export function checkBatch({ name, count }: ImageSet, { batchSize }: TrainSettings): void {
  if (count >= batchSize) return;
  throw new UserError(`${name}: has ${count} images, fewer than --batch-size ${batchSize}; use a smaller batch`);
}

/** One pre-training run in one folder, from its start or its newest checkpoint to its end. */
export class Trainer {
  private readonly pending: { step: number; epoch: number; lr: number; indices: Uint32Array; run: StepRun }[] = [];
  private readonly perEpoch: number;
  private readonly total: number;
  private progress: Progress;
  /** The weights were given, and are not in a checkpoint yet. */
  private readonly initialised: boolean;
  private saved = -1;
  /** Steps of this epoch that this process ran, and how long they took. */
  private timedSteps = 0;
  private seconds = 0;
  private knn: Recognition | undefined;
  private lossScale: ScaleReport | undefined;
  private embeddingStd = 0;

  private constructor(
    private readonly gpu: Gpu,
    private readonly state: State,
    private readonly model: SimClr,
    private readonly source: ImageSource,
    private readonly pretraining: Pretraining,
    private readonly monitor: Monitor,
    private readonly probe: Probe | undefined,
    private readonly settings: TrainSettings,
    private readonly folder: RunFolder,
    private readonly events: TrainEvents,
    checkpoint: Checkpoint | undefined,
    init: InitialWeights | undefined,
  ) {
    this.perEpoch = stepsPerEpoch(source.set.count, settings.batchSize);
    this.total = totalSteps(settings, this.perEpoch);
    this.progress = checkpoint?.progress ?? atStart;
    this.initialised = init !== undefined;
  }

  /**
   * Locks the folder, uploads, compiles and, where the folder has checkpoints, restores the newest.
   * @param init what a run without checkpoints starts from, in place of drawn weights
   */
  static async create(
    gpu: Gpu,
    dataset: Dataset,
    settings: TrainSettings,
    folder: RunFolder,
    events: TrainEvents = {},
    init?: InitialWeights,
  ): Promise<Trainer> {
    checkBatch(dataset.train, settings);
    const unlock = folder.lock();
    try {
      return await Trainer.prepare(gpu, dataset, settings, folder, events, init);
    } catch (error) {
      unlock();
      throw error;
    }
  }

  private static async prepare(
    gpu: Gpu,
    { train, probe }: Dataset,
    settings: TrainSettings,
    folder: RunFolder,
    events: TrainEvents,
    init: InitialWeights | undefined,
  ): Promise<Trainer> {
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
    const probing = probe && settings.knnEvery > 0 ? await Probe.create(state, model, probe, settings) : undefined;
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
    return new Trainer(
      gpu,
      state,
      model,
      source,
      pretraining,
      monitor,
      probing,
      settings,
      folder,
      events,
      checkpoint,
      checkpoint ? undefined : init,
    );
  }

  /** Trains to the end, or until `signal` is aborted; then the step under way is finished and saved. */
  async run(signal?: AbortSignal): Promise<TrainResult> {
    const { settings, events, perEpoch, total } = this;
    const { parameters } = this.model;
    events.onReady?.({
      parameters: parameters.reduce((sum, { torchShape }) => sum + torchShape.reduce((a, b) => a * b, 1), 0),
      peakBytes: this.gpu.bytes,
      stepsPerEpoch: perEpoch,
      steps: total,
      resumedAt: this.progress.step,
    });
    if (this.initialised) await this.save(); // from now on the run does not need the file
    if (this.progress.step === 0) await this.showUntrained();
    let order: { epoch: number; indices: Uint32Array } | undefined;
    for (let done = this.progress.step; done < total && !signal?.aborted; done++) {
      const epoch = Math.floor(done / perEpoch);
      if (order?.epoch !== epoch) order = { epoch, indices: epochOrder(this.source.set.count, settings.seed, epoch) };
      await this.submit(done + 1, epoch, batchOf(order.indices, done % perEpoch, settings.batchSize));
      const ends = (done + 1) % perEpoch === 0 || done + 1 === total;
      if (ends) await this.endEpoch(epoch + 1);
      else if (settings.checkpointSteps > 0 && (done + 1) % settings.checkpointSteps === 0) await this.save();
    }
    await this.settle(0);
    await this.save();
    if (!signal?.aborted) await this.draw();
    const checkpoint = this.folder.checkpointFile(this.progress.step);
    const warning = this.pretraining.warningAt(this.progress.step);
    const { step } = this.progress;
    return { step, checkpoint, interrupted: step < total, knn: this.knn?.accuracy, warning };
  }

  /** What the features are worth before training: the figure that later ones are to be compared with. */
  private async showUntrained(): Promise<void> {
    await this.draw();
    if (!this.probe) return;
    const { accuracy: knn, balancedAccuracy: knnBalanced } = await this.probe.measure();
    const { majority } = this.probe;
    this.folder.log({ type: 'probe', step: 0, knn, knnBalanced, majority });
    this.events.onUntrained?.(knn, majority);
  }

  private async submit(step: number, epoch: number, indices: Uint32Array): Promise<void> {
    const lr = learningRate(this.settings, step, this.total, this.perEpoch);
    const start = performance.now();
    this.pending.push({ step, epoch, lr, indices, run: this.pretraining.step(indices, { step, epoch, lr }) });
    await this.settle(stepsInFlight(this.gpu.traits) - 1);
    this.seconds += (performance.now() - start) / 1000;
    this.timedSteps++;
  }

  /** Reads results until at most `left` steps are unread. */
  private async settle(left: number): Promise<void> {
    while (this.pending.length > left) {
      const { step, epoch, lr, indices, run } = this.pending.shift()!;
      const { loss, accuracy, embeddingStd, firstBad, lossScale } = await run.read();
      if (firstBad !== 0) throw await this.divergence(indices, { step, epoch, lr });
      this.lossScale = lossScale;
      this.embeddingStd = embeddingStd;
      const { progress } = this;
      const summed = this.summedSteps + 1;
      this.progress = { step, loss: progress.loss + loss, accuracy: progress.accuracy + accuracy, summed };
      const report = { step, epoch: epoch + 1, loss, accuracy, embeddingStd, lr, lossScale };
      this.folder.log({ type: 'step', ...report });
      this.events.onStep?.({ ...report, steps: this.total });
    }
  }

  /** The error that ends a run whose loss is not finite, or whose gradients are not at any scale. */
  private divergence(indices: Uint32Array, counters: StepCounters): Promise<UserError> {
    const { state, model, source, settings, pretraining } = this;
    const kept = this.folder.checkpointSteps().at(-1);
    const narrow = settings.precision === 'f16' ? ', or train with --precision f32' : '';
    const remedy = `Lower --lr or raise --temperature${narrow}${kept === undefined ? '' : `; the checkpoint of step ${kept} is good`}`;
    const options = pretrainingOptions(settings);
    return divergence(counters.step, remedy, state, model, pretraining.traced, source, options, indices, counters);
  }

  /**
   * Steps in the sums of the epoch that is under way. A checkpoint of an older version does not say; it has either none of them, where
   * --steps ended the run within the epoch, or all.
   */
  private get summedSteps(): number {
    const { step, loss, summed } = this.progress;
    return summed ?? (loss === 0 ? 0 : step % this.perEpoch);
  }

  private async endEpoch(epoch: number): Promise<void> {
    const { settings, perEpoch } = this;
    const start = performance.now();
    await this.settle(0);
    this.seconds += (performance.now() - start) / 1000;
    const { step, loss, accuracy } = this.progress;
    const last = step === this.total;
    const probing = this.probe && (last || epoch % settings.knnEvery === 0);
    this.knn = probing ? await this.probe!.measure() : undefined;
    const report: EpochReport = {
      epoch,
      epochs: Math.ceil(this.total / perEpoch),
      step,
      loss: loss / this.summedSteps,
      chance: Math.log(2 * settings.batchSize - 1),
      accuracy: accuracy / this.summedSteps,
      embeddingStd: this.embeddingStd,
      lr: learningRate(settings, step, this.total, perEpoch),
      imagesPerSecond: (this.timedSteps * settings.batchSize) / this.seconds,
      memory: this.gpu.highWater,
      lossScale: this.lossScale,
      knn: this.knn?.accuracy,
      knnBalanced: this.knn?.balancedAccuracy,
    };
    this.seconds = 0;
    this.timedSteps = 0;
    // Where --steps ends the run within an epoch the sums stay: a longer run goes on with them.
    if (step % perEpoch === 0) this.progress = { ...atStart, step };
    this.folder.log({ type: 'epoch', ...report, temperature: settings.temperature, batchSize: settings.batchSize });
    this.events.onEpoch?.(report);
    if (last || epoch % settings.checkpointEvery === 0) await this.save();
    if (!last && settings.drawEvery > 0 && epoch % settings.drawEvery === 0) await this.draw();
  }

  private async save(): Promise<void> {
    await this.settle(0);
    if (this.saved === this.progress.step) return;
    const { state, model, settings, folder } = this;
    const { optimizer, scaling } = this.pretraining.traced;
    const lossScale = scaling && (await readLossScale(state, scaling));
    const progress = { ...this.progress, lossScale };
    await saveCheckpoint(folder.checkpointFile(progress.step), state, model, optimizer, settings, progress);
    this.saved = progress.step;
    folder.prune(settings.keep);
  }

  private async draw(): Promise<void> {
    const { step } = this.progress;
    const picture = await this.monitor.draw(step);
    const name = `step-${String(step).padStart(8, '0')}.png`;
    this.folder.figure(`similarity-${name}`, picture.similarityPng);
    this.folder.figure(`pairs-${name}`, picture.pairsPng);
    this.events.onFigure?.(step, picture.positives, picture.negatives, picture.similarity);
  }

  destroy(): void {
    this.pretraining.destroy();
    this.monitor.destroy();
    this.probe?.destroy();
    this.state.destroy();
    this.folder.unlock();
  }
}
