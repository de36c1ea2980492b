import type { Recognition } from '../analysis/recognition.ts';
import type { Dataset } from '../data/dataset.ts';
import { batchOf, epochOrder, stepsPerEpoch } from '../data/order.ts';
import type { UserError } from '../errors.ts';
import type { DeviceTraits, Gpu } from '../gpu/device.ts';
import { countNumbers } from '../nn/module.ts';
import type { StepCounters, StepRun } from '../ssl/pretraining.ts';
import { newestStep, type Progress, saveCheckpoint } from './checkpoint.ts';
import { divergence, divergenceRemedy } from './diagnose.ts';
import type { EpochReport, ScaleReport, TrainEvents, TrainResult } from './events.ts';
import type { InitialWeights } from './initial_weights.ts';
import type { RunFolder } from './run_folder.ts';
import { checkBatch, prepareRun, type RunParts } from './run_parts.ts';
import { flagOf, learningRate, pretrainingOptions, type TrainSettings, totalSteps } from './settings.ts';
import { readLossScale } from './training_file.ts';

export { checkBatch } from './run_parts.ts';

/**
 * Steps whose results may be unread before the next one is submitted: one runs while the next is encoded. A software rasteriser
 * runs on the host's own processors, so nothing is gained by that there.
 */
export const stepsInFlight = ({ software }: DeviceTraits): number => (software ? 1 : 2);

const atStart: Progress = { step: 0, loss: 0, accuracy: 0, summed: 0 };

/** One pre-training run in one folder, from its start or its newest checkpoint to its end. */
export class Trainer {
  private readonly pending: { step: number; epoch: number; lr: number; indices: Uint32Array; run: StepRun }[] = [];
  private readonly perEpoch: number;
  private readonly total: number;
  private progress: Progress;
  /** Steps of the checkpoint and of the figures that were made last. */
  private saved: number;
  private drawn = -1;
  /** Steps of this epoch that this process ran, and how long they took. */
  private timedSteps = 0;
  private seconds = 0;
  private knn: Recognition | undefined;
  private lossScale: ScaleReport | undefined;
  private embeddingStd = 0;

  private constructor(private readonly parts: RunParts) {
    const { source, settings, checkpoint } = parts;
    this.perEpoch = stepsPerEpoch(source.set.count, settings.batchSize);
    this.total = totalSteps(settings, this.perEpoch);
    this.progress = checkpoint?.progress ?? atStart;
    this.saved = checkpoint?.progress.step ?? -1;
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
      return new Trainer(await prepareRun(gpu, dataset, settings, folder, events, init));
    } catch (error) {
      unlock();
      throw error;
    }
  }

  /** Trains to the end, or until `signal` is aborted; then the step under way is finished and saved. */
  async run(signal?: AbortSignal): Promise<TrainResult> {
    const { perEpoch, total } = this;
    const { gpu, model, source, settings, events, initialised, folder, pretraining } = this.parts;
    events.onReady?.({
      parameters: countNumbers(model.parameters),
      peakBytes: gpu.bytes,
      stepsPerEpoch: perEpoch,
      steps: total,
      resumedAt: this.progress.step,
    });
    if (initialised) await this.save(); // from now on the run does not need the file
    if (this.progress.step === 0) await this.showUntrained();
    let order: { epoch: number; indices: Uint32Array } | undefined;
    for (let done = this.progress.step; done < total && !signal?.aborted; done++) {
      const epoch = Math.floor(done / perEpoch);
      if (order?.epoch !== epoch) order = { epoch, indices: epochOrder(source.set.count, settings.seed, epoch) };
      await this.submit(done + 1, epoch, batchOf(order.indices, done % perEpoch, settings.batchSize));
      const ends = (done + 1) % perEpoch === 0 || done + 1 === total;
      if (ends) await this.endEpoch(epoch + 1);
      else if (settings.checkpointSteps > 0 && (done + 1) % settings.checkpointSteps === 0) await this.save();
    }
    await this.settle(0);
    if (!signal?.aborted) await this.draw();
    await this.save();
    const { step } = this.progress;
    const checkpoint = folder.checkpointFile(step);
    const warning = pretraining.warningAt(step);
    return { step, checkpoint, interrupted: step < total, knn: this.knn?.accuracy, warning };
  }

  /** What the features are worth before training: the figure that later ones are to be compared with. */
  private async showUntrained(): Promise<void> {
    const { probe, folder, events } = this.parts;
    await this.draw();
    if (!probe) return;
    const { accuracy: knn, balancedAccuracy: knnBalanced } = await probe.measure();
    const { majority } = probe;
    folder.log({ type: 'probe', step: 0, knn, knnBalanced, majority });
    events.onUntrained?.(knn, majority);
  }

  private async submit(step: number, epoch: number, indices: Uint32Array): Promise<void> {
    const { gpu, pretraining, settings } = this.parts;
    const lr = learningRate(settings, step, this.total, this.perEpoch);
    const start = performance.now();
    this.pending.push({ step, epoch, lr, indices, run: pretraining.step(indices, { step, epoch, lr }) });
    await this.settle(stepsInFlight(gpu.traits) - 1);
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
      this.parts.folder.log({ type: 'step', ...report });
      this.parts.events.onStep?.({ ...report, steps: this.total });
    }
  }

  /** The error that ends a run whose loss is not finite, or whose gradients are not at any scale. */
  private divergence(indices: Uint32Array, counters: StepCounters): Promise<UserError> {
    const { state, model, source, settings, pretraining } = this.parts;
    const { traced } = pretraining;
    const options = pretrainingOptions(settings);
    return divergence(counters.step, this.advice(), state, model, traced, source, options, indices, counters);
  }

  /** What to do about values that are not finite. */
  private advice(): string {
    const { settings, folder } = this.parts;
    const good = newestStep(folder);
    return divergenceRemedy(settings, flagOf) + (good === undefined ? '' : `; the checkpoint of step ${good} is good`);
  }

  /**
   * Steps in the sums of the epoch that is under way. A checkpoint of an older version does not say; it has either none of them, where
   * --steps ended the run within the epoch, or all.
   */
  private get summedSteps(): number {
    const { step, loss, summed } = this.progress;
    return summed ?? (loss === 0 ? 0 : step % this.perEpoch);
  }

  /** What a report needs of an epoch is there before the checkpoint that ends it: a run that dies between the two makes it again. */
  private async endEpoch(epoch: number): Promise<void> {
    const { settings, probe, folder, events } = this.parts;
    const start = performance.now();
    await this.settle(0);
    this.seconds += (performance.now() - start) / 1000;
    const { step } = this.progress;
    const last = step === this.total;
    this.knn = probe && (last || epoch % settings.knnEvery === 0) ? await probe.measure() : undefined;
    const report = this.report(epoch);
    this.seconds = 0;
    this.timedSteps = 0;
    // Where --steps ends the run within an epoch the sums stay: a longer run goes on with them.
    if (step % this.perEpoch === 0) this.progress = { ...atStart, step };
    folder.log({ type: 'epoch', ...report, temperature: settings.temperature, batchSize: settings.batchSize });
    events.onEpoch?.(report);
    if (last || (settings.drawEvery > 0 && epoch % settings.drawEvery === 0)) await this.draw();
    if (last || epoch % settings.checkpointEvery === 0) await this.save();
  }

  private report(epoch: number): EpochReport {
    const { settings, gpu } = this.parts;
    const { perEpoch, total, embeddingStd, lossScale, knn } = this;
    const { step, loss, accuracy } = this.progress;
    return {
      epoch,
      epochs: Math.ceil(total / perEpoch),
      step,
      loss: loss / this.summedSteps,
      chance: Math.log(2 * settings.batchSize - 1),
      accuracy: accuracy / this.summedSteps,
      embeddingStd,
      lr: learningRate(settings, step, total, perEpoch),
      imagesPerSecond: (this.timedSteps * settings.batchSize) / this.seconds,
      memory: gpu.highWater,
      lossScale,
      knn: knn?.accuracy,
      knnBalanced: knn?.balancedAccuracy,
    };
  }

  private async save(): Promise<void> {
    await this.settle(0);
    if (this.saved === this.progress.step) return;
    const { state, model, settings, folder, pretraining } = this.parts;
    const { optimizer, scaling } = pretraining.traced;
    const lossScale = scaling && (await readLossScale(state, scaling));
    const progress = { ...this.progress, lossScale };
    const file = folder.checkpointFile(progress.step);
    await saveCheckpoint(file, state, model, optimizer, settings, progress, () => this.advice());
    this.saved = progress.step;
    folder.prune(settings.keep);
  }

  /** Draws the figures of this step, unless this process has. */
  private async draw(): Promise<void> {
    const { step } = this.progress;
    if (this.drawn === step) return;
    const { monitor, folder, events } = this.parts;
    const picture = await monitor.draw(step);
    const name = `step-${String(step).padStart(8, '0')}.png`;
    folder.figure(`similarity-${name}`, picture.similarityPng);
    folder.figure(`pairs-${name}`, picture.pairsPng);
    events.onFigure?.(step, picture.positives, picture.negatives, picture.similarity);
    this.drawn = step;
  }

  destroy(): void {
    const { pretraining, monitor, probe, state, folder } = this.parts;
    pretraining.destroy();
    monitor.destroy();
    probe?.destroy();
    state.destroy();
    folder.unlock();
  }
}
