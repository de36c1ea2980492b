import { Embedder } from '../analysis/embed.ts';
import type { Recognition } from '../analysis/recognition.ts';
import type { Dataset } from '../data/dataset.ts';
import { preparation } from '../data/preparation.ts';
import type { SampleSet } from '../data/samples.ts';
import { imagesOf } from '../data/source.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Communicator } from '../mpi/communicator.ts';
import { countNumbers } from '../nn/module.ts';
import { trainedParameters } from '../ssl/step.ts';
import { newestStep, saveCheckpoint } from './checkpoint.ts';
import { type Communication, communicationOf } from './communication.ts';
import { divergenceRemedy } from './diagnose.ts';
import type { EpochReport, StepReport, TrainEvents, TrainResult } from './events.ts';
import type { InitialWeights } from './initial_weights.ts';
import { checkImages, imageFacts } from './learner.ts';
import { Loop, type Passed } from './loop.ts';
import { atStart, meansOf } from './progress.ts';
import type { RunFolder } from './run_folder.ts';
import { prepareRun, type RunParts } from './run_parts.ts';
import { checkSameWeights } from './same_weights.ts';
import { flagOf, type TrainSettings } from './settings.ts';
import { sharedEmbedder } from './shared_embedder.ts';

/** One run of any method in one folder, from its start or its newest checkpoint to its end. */
export class Trainer {
  private readonly loop: Loop;
  /** Steps of the checkpoint and of the figures that were made last. */
  private saved: number;
  private drawn = -1;
  private knn: Recognition | undefined;

  private constructor(private readonly parts: RunParts) {
    const { state, training, checkpoint } = parts;
    this.saved = checkpoint?.progress.step ?? -1;
    this.loop = new Loop({
      state,
      training,
      progress: checkpoint?.progress ?? atStart,
      advice: () => this.advice(),
      onStep: (report) => this.onStep(report),
      features: () => this.features(),
    });
  }

  /**
   * Locks the folder, uploads, compiles and, where the folder has checkpoints, restores the newest.
   * @param init what a run without checkpoints starts from, in place of drawn weights
   * @param ranks processes that share each batch; all of them make a trainer of the same run and call the same of it. All but the first
   * have a `FollowedFolder`
   */
  static async create(
    gpu: Gpu,
    dataset: Dataset<SampleSet>,
    settings: TrainSettings,
    folder: RunFolder,
    events: TrainEvents = {},
    init?: InitialWeights,
    ranks?: Communicator,
  ): Promise<Trainer> {
    checkImages(dataset.train, settings);
    const unlock = folder.lock();
    try {
      return new Trainer(await prepareRun(gpu, dataset, settings, folder, events, init, ranks));
    } catch (error) {
      unlock();
      throw error;
    }
  }

  /** Trains to the end, or until `signal` is aborted; then the step under way is finished and saved. */
  async run(signal?: AbortSignal): Promise<TrainResult> {
    const { loop } = this;
    const { gpu, training, settings, events, initialised, folder } = this.parts;
    const { learner } = training;
    events.onReady?.({
      parameters: countNumbers(trainedParameters(learner)),
      peakBytes: gpu.bytes,
      stepsPerEpoch: loop.perEpoch,
      steps: loop.total,
      resumedAt: loop.progress.step,
      learner,
    });
    folder.writeLegend({ metrics: learner.metrics, chance: learner.chance });
    await this.checkRanks();
    if (initialised) await this.save(); // from now on the run does not need the file
    if (loop.progress.step === 0) await this.showUntrained();
    for await (const at of loop.run(signal)) {
      const { checkpointSteps } = settings;
      if (at.endsEpoch || at.isLast) await this.endEpoch(at);
      else if (checkpointSteps > 0 && at.step % checkpointSteps === 0) await this.save();
    }
    await loop.finish();
    const { step } = loop.progress;
    if (step === loop.total) await this.draw();
    await this.save();
    const checkpoint = folder.checkpointFile(step);
    const warning = training.step.warningAt(step);
    return { step, checkpoint, interrupted: step < loop.total, knn: this.knn?.accuracy, warning };
  }

  /** What the features are worth before training: the figure that later ones are to be compared with. */
  private async showUntrained(): Promise<void> {
    const { knn, folder, events } = this.parts;
    await this.loop.begin();
    await this.draw();
    if (!knn) return;
    const measured = await knn.measure();
    if (!measured) return;
    const { accuracy, balancedAccuracy: knnBalanced } = measured;
    const { majority } = knn;
    folder.log({ type: 'probe', step: 0, knn: accuracy, knnBalanced, majority });
    events.onUntrained?.(accuracy, majority);
  }

  private onStep(report: StepReport): void {
    const { step, epoch, loss, metrics, lr, lossScale } = report;
    this.parts.folder.log({ type: 'step', step, epoch, loss, ...metrics, lr, lossScale });
    this.parts.events.onStep?.(report);
  }

  /** What to do about values that are not finite. */
  private advice(): string {
    const { settings, folder } = this.parts;
    const good = newestStep(folder);
    return divergenceRemedy(settings, flagOf) + (good === undefined ? '' : `; the checkpoint of step ${good} is good`);
  }

  /** Of all images of the run; of processes that share it each computes a part. */
  private async features(): Promise<Float32Array> {
    const { state, training, settings } = this.parts;
    const { source, learner, ranks } = training;
    const { set } = imagesOf(source);
    const own = await Embedder.create(state, learner.encoder, set, preparation(settings));
    const embedder = sharedEmbedder(own, ranks);
    try {
      return await embedder.embed(set);
    } finally {
      embedder.destroy();
    }
  }

  /** What a report needs of an epoch is there before the checkpoint that ends it: a run that dies between the two makes it again. */
  private async endEpoch({ epoch, endsEpoch, isLast }: Passed): Promise<void> {
    const { settings, knn, folder, events } = this.parts;
    const { loop } = this;
    await loop.finish();
    await this.checkRanks();
    this.knn = knn && (isLast || epoch % settings.knnEvery === 0) ? await knn.measure() : undefined;
    const { exchange } = this.parts.training.step;
    const report = this.report(epoch, exchange && (await communicationOf(exchange, loop.timed)));
    // Where --steps ends the run within an epoch the sums stay: a longer run goes on with them.
    if (endsEpoch) loop.progress = { ...atStart, step: loop.progress.step };
    const { metrics, lr, imagesPerSecond, memory, lossScale, knn: accuracy, knnBalanced, ...counters } = report;
    const rest = { lr, imagesPerSecond, memory, lossScale, knn: accuracy, knnBalanced, batchSize: settings.batchSize };
    folder.log({ type: 'epoch', ...counters, ...metrics, ...rest });
    events.onEpoch?.(report);
    if (isLast || (settings.figureEvery > 0 && epoch % settings.figureEvery === 0)) await this.draw();
    if (isLast || epoch % settings.checkpointEvery === 0) await this.save();
    await exchange?.resetCosts();
    loop.timed = { steps: 0, seconds: 0 };
  }

  /** UserError: the processes that share the batches have become different. */
  private async checkRanks(): Promise<void> {
    const { state, training } = this.parts;
    if (training.ranks) await checkSameWeights(training.ranks, state, training, this.loop.progress.step);
  }

  private report(epoch: number, communication: Communication | undefined): EpochReport {
    const { settings, gpu, training } = this.parts;
    const { perEpoch, total, progress, timed, metrics: last, lossScale } = this.loop;
    const { loss, ...means } = meansOf(progress, perEpoch);
    const { metrics: declared = {}, chance } = training.learner;
    const shown = Object.keys(last).map((name) => [name, declared[name]?.epoch === 'last' ? last[name] : means[name]]);
    return {
      epoch,
      epochs: Math.ceil(total / perEpoch),
      step: progress.step,
      loss,
      chance: chance?.loss,
      metrics: Object.fromEntries(shown),
      lr: training.step.lr(progress.step),
      imagesPerSecond: (timed.steps * settings.batchSize) / timed.seconds,
      memory: gpu.highWater,
      lossScale,
      ...(communication && { communication }),
      knn: this.knn?.accuracy,
      knnBalanced: this.knn?.balancedAccuracy,
    };
  }

  private async save(): Promise<void> {
    await this.loop.finish();
    const { progress } = this.loop;
    if (this.saved === progress.step) return;
    this.saved = progress.step;
    const { state, settings, folder, training } = this.parts;
    if (!folder.isKept) return;
    const { step, source } = training;
    const content = { settings, progress, images: imageFacts(source.set), epochData: step.epochData };
    await saveCheckpoint(folder.checkpointFile(progress.step), state, step.traced, content, () => this.advice());
    folder.prune(settings.keep);
  }

  /** Draws the figures of this step, unless this process has. */
  private async draw(): Promise<void> {
    const { step } = this.loop.progress;
    if (this.drawn === step) return;
    const { training, figures, folder, events } = this.parts;
    for (const figure of figures) {
      const { files, pairs } = await figure.draw(step, training.step.epochData);
      for (const [name, png] of Object.entries(files)) folder.figure(name, step, png);
      if (pairs) events.onFigure?.(step, pairs.positives, pairs.negatives, pairs.similarity);
    }
    this.drawn = step;
  }

  /** Frees the memory on the device, and the folder of the run for others. */
  destroy(): void {
    const { training, figures, knn, state, folder } = this.parts;
    training.step.destroy();
    for (const figure of figures) figure.destroy();
    knn?.destroy();
    state.destroy();
    folder.unlock();
  }
}
