/** A training in a page: the loop that every run has, around photos in memory, with nothing in files. */
import { Embedder } from '../analysis/embed.ts';
import type { ImageSet } from '../data/images.ts';
import { epochSteps } from '../data/order.ts';
import { preparation } from '../data/preparation.ts';
import type { Gpu } from '../gpu/device.ts';
import { State } from '../graph/state.ts';
import { ofPairs } from '../ssl/method.ts';
import { divergenceRemedy } from '../train/diagnose.ts';
import type { EpochReport, StepReport, TrainEvents } from '../train/events.ts';
import { checkImages, compileTraining, imageFacts, sourceOf, type Training } from '../train/learner.ts';
import { longerTraining } from '../train/longer.ts';
import { Loop, type Passed } from '../train/loop.ts';
import { atStart, meansOf } from '../train/progress.ts';
import type { TrainSettings } from '../train/settings.ts';
import { type Probed, SimilarityProbe } from '../train/similarity_probe.ts';
import { checkEpochData, restore, trainingValues } from '../train/training_values.ts';
import { KeepTimes, type KeptTraining } from './kept.ts';
import type { Model } from './model.ts';
import { Pace } from './pace.ts';

/** What a training tells while it goes on: of a run's events those that need no folder, and the drawn pairs with their pixels. */
export interface PhotoTrainingEvents extends Pick<TrainEvents, 'onPipeline' | 'onWarning'> {
  onStep?(report: StepReport & { readonly imagesPerSecond: number }): void;
  onEpoch?(report: Pick<EpochReport, 'epoch' | 'epochs' | 'loss' | 'metrics'>): void;
  /** Before the first step and behind each epoch, where the method has such a figure. */
  onPairs?(step: number, probed: Probed): void;
}

/** One training of any method that learns from photos alone, until it ends or is stopped; then it may go on. */
export class PhotoTraining implements Model {
  private readonly loop: Loop;
  private readonly pace: Pace;
  private readonly keepTimes = new KeepTimes();
  /** The step at which the pairs were looked at last. */
  private looked = -1;
  private lastLoss: number | undefined;

  private constructor(
    readonly state: State,
    readonly training: Training,
    readonly settings: TrainSettings,
    private readonly probe: SimilarityProbe | undefined,
    private readonly events: PhotoTrainingEvents,
    private newest: KeptTraining | undefined,
  ) {
    this.pace = new Pace(settings.batchSize);
    this.loop = new Loop({
      state,
      training,
      progress: newest?.values.progress ?? atStart,
      advice: () => this.advice(),
      onStep: (report) => {
        this.lastLoss = report.loss;
        events.onStep?.({ ...report, imagesPerSecond: this.pace.tick() });
      },
      features: () => this.features(),
    });
  }

  /**
   * Uploads the photos and compiles the step.
   * @param settings as `parseSettings` gives them; the image size is that of the set
   * @param from what another training of the same settings, but for its length, has kept: it goes on there, bit for bit on the same adapter
   * @throws UserError fewer photos than a batch takes, or the device has not the memory
   */
  static async create(
    gpu: Gpu,
    set: ImageSet,
    settings: TrainSettings,
    events: PhotoTrainingEvents = {},
    from?: KeptTraining,
  ): Promise<PhotoTraining> {
    checkImages(set, settings);
    const state = new State(gpu);
    const compile = {
      onPipeline: (done: number, total: number) => events.onPipeline?.(done, total),
      onWarning: (warning: Parameters<NonNullable<TrainEvents['onWarning']>>[0]) => events.onWarning?.(warning),
    };
    try {
      const training = await compileTraining(state, sourceOf(state, set, settings), settings, compile);
      if (from) goOnFrom(state, training, from);
      const figure = training.learner.figures?.find(ofPairs);
      const probe = figure && (await SimilarityProbe.create(state, training, figure));
      await gpu.finish(); // what the device has no memory for is told now
      return new PhotoTraining(state, training, settings, probe, events, from);
    } catch (error) {
      state.destroy();
      throw error;
    }
  }

  get encoder() {
    return this.training.learner.encoder;
  }

  get preparation() {
    return preparation(this.settings);
  }

  /** The photos. */
  get set(): ImageSet {
    return this.training.source.set as ImageSet;
  }

  /** Steps done. */
  get step(): number {
    return this.loop.progress.step;
  }

  get steps(): number {
    return this.loop.total;
  }

  /** Of the last step that was made; undefined before the first. */
  get loss(): number | undefined {
    return this.lastLoss;
  }

  /**
   * What was kept of it last, in the host's memory: every few seconds, seldom enough to cost less than 2 % of the time, and when it ends.
   * Where the device is lost, `create` goes on from there on another; undefined: nothing was yet.
   */
  get kept(): KeptTraining | undefined {
    return this.newest;
  }

  /**
   * The settings of a longer training that goes on from this one, for `create`, and what changes with it. Undefined: it is as long already.
   * @param step how many steps are done
   * @throws UserError fewer epochs than it has
   */
  longer(epochs: number, step = this.step): ReturnType<typeof longerTraining> | undefined {
    const { settings, loop } = this;
    if (epochs === settings.epochs) return undefined;
    return longerTraining(settings, { epochs }, loop.perEpoch, step, (name) => name);
  }

  /**
   * Trains to the end, or until `signal` is aborted; then the step under way is finished, and what was learnt is kept. To be called again
   * to go on.
   *
   * @param between called behind each step: work with the weights as they are then, after `settle`
   */
  async run(signal?: AbortSignal, between?: (settle: () => Promise<void>) => Promise<void>): Promise<void> {
    const { loop, pace } = this;
    pace.start();
    this.keepTimes.start();
    if (this.step === 0) await loop.begin();
    await this.look();
    for await (const at of loop.run(signal)) {
      if (at.endsEpoch || at.isLast) await this.endEpoch(at);
      await between?.(async () => {
        await loop.finish();
        pace.start();
      });
      if (this.keepTimes.isDue) await this.keep();
    }
    await this.keep();
  }

  /** Copies all that a training goes on from into the host's memory. UserError: a value is not finite. */
  private async keep(): Promise<void> {
    const { loop, training, state, settings, set } = this;
    await loop.finish();
    const { progress } = loop;
    if (progress.step === 0 || this.newest?.values.progress.step === progress.step) return;
    const { traced, epochData } = training.step;
    const content = { progress, images: imageFacts(set), epochData };
    const values = await this.keepTimes.time(() => trainingValues(state, traced, content, () => this.advice()));
    this.newest = { settings, set, values };
    this.pace.start();
  }

  private advice(): string {
    return divergenceRemedy(this.settings, (name) => name);
  }

  private async endEpoch({ epoch, endsEpoch }: Passed): Promise<void> {
    const { loop, training, events } = this;
    await loop.finish();
    const { loss, ...means } = meansOf(loop.progress, loop.perEpoch);
    const { metrics: declared = {} } = training.learner;
    const shown = Object.keys(loop.metrics).map((name) => [
      name,
      declared[name]?.epoch === 'last' ? loop.metrics[name] : means[name],
    ]);
    if (endsEpoch) loop.progress = { ...atStart, step: loop.progress.step };
    const epochs = Math.ceil(loop.total / loop.perEpoch);
    events.onEpoch?.({ epoch, epochs, loss, metrics: Object.fromEntries(shown) });
    await this.look();
    this.pace.start();
  }

  private async look(): Promise<void> {
    const { step, probe, events } = this;
    if (!probe || this.looked === step) return;
    this.looked = step;
    events.onPairs?.(step, await probe.look(step));
  }

  /** Of all photos, for methods that look at them before an epoch. */
  private async features(): Promise<Float32Array> {
    const { state, set, encoder } = this;
    const embedder = await Embedder.create(state, encoder, set, this.preparation);
    try {
      return await embedder.embed(set);
    } finally {
      embedder.destroy();
    }
  }

  /** Gives its memory back to the device. */
  destroy(): void {
    const { state, training, probe } = this;
    probe?.destroy();
    training.step.destroy();
    state.destroy();
    state.gpu.trim();
  }
}

/** Sets a training to what another has kept. */
function goOnFrom(state: State, { step, source, settings }: Training, { values }: KeptTraining): void {
  const withinEpoch = values.progress.step % epochSteps(source.set, settings.batchSize) !== 0;
  if (withinEpoch) checkEpochData(step.traced, values);
  restore(state, step.traced, values);
  step.epochData = values.epochData;
}
