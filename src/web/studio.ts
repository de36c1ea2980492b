/** What the worker holds (a device, photos, an encoder), and what it does with them. Its answers are those of `protocol.ts`. */
import type { ImageSet } from '../data/images.ts';
import type { Preparation } from '../data/preparation.ts';
import { UserError } from '../errors.ts';
import { Gpu } from '../gpu/device.ts';
import { DeviceLost, oneLine } from '../gpu/faults.ts';
import { State } from '../graph/state.ts';
import { decodeSafetensors, type Safetensors } from '../io/safetensors_format.ts';
import type { Encoder } from '../nn/encoder.ts';
import { describeEncoder } from '../nn/encoder_shape.ts';
import { encodeEncoder } from '../train/encoder_content.ts';
import { decodeEncoder, encoderIn, type GivenEncoder, loadStoredEncoder } from '../train/encoder_tensors.ts';
import type { TrainSettings } from '../train/settings.ts';
import { type KeptTraining, keptEncoder } from './kept.ts';
import { featureTable, type Model } from './model.ts';
import { PhotoSets } from './photo_sets.ts';
import type { Finished, FromWorker, ToWorker, WebSettings, WorkerError } from './protocol.ts';
import { Searcher } from './searcher.ts';
import { planTraining, settingsFor } from './settings.ts';
import { deviceFacts, tellingEvents, trainingFacts } from './tell.ts';
import { PhotoTraining } from './training.ts';

type Request<T extends ToWorker['type']> = Extract<ToWorker, { type: T }>;

/** An encoder that is there, and what it is called in names of files. */
interface Named {
  readonly name: string;
  readonly model: Model;
}

export class Studio {
  private gpu: Gpu | undefined;
  private photos: PhotoSets | undefined;
  /** A training, or weights of a file. */
  private current: Named | undefined;
  /** The training that was begun last, also where it is on the device no more: what it has kept is left then. */
  private training: PhotoTraining | undefined;
  private searcher: Searcher | undefined;

  /**
   * @param tell how what comes on the way to an answer is told
   * @param onLost called when the device is lost
   */
  constructor(
    private readonly tell: (answer: FromWorker) => void,
    private readonly onLost: (error: DeviceLost) => void,
  ) {}

  /** Opens the GPU, where it is not open, and says which it is. UserError: there is none. */
  async device(): Promise<Gpu> {
    if (this.gpu) return this.gpu;
    const gpu = await Gpu.open();
    this.gpu = gpu;
    void gpu.device.lost.then(({ message }) => {
      if (this.gpu !== gpu) return;
      // What was on it is gone; photos, and what a training has kept, are in the host's memory.
      this.gpu = this.current = this.searcher = undefined;
      this.onLost(new DeviceLost(oneLine(message) || 'the browser gives no reason'));
    });
    this.tell(deviceFacts(gpu));
    return gpu;
  }

  async open({ photos, imageSize }: Request<'open'>): Promise<FromWorker> {
    this.photos = await PhotoSets.open(photos, imageSize, this.decoding);
    return this.photos.opened;
  }

  async plan({ settings: given }: Request<'plan'>): Promise<FromWorker> {
    const gpu = await this.device();
    const { set } = this.openPhotos;
    return { type: 'planned', ...planTraining(new State(gpu), set, settingsFor(given, set, gpu.traits)) };
  }

  /** What is left of a training whose device is lost; undefined: nothing. */
  get left(): WorkerError['kept'] | undefined {
    const { training } = this;
    return training?.kept && { step: training.kept.values.progress.step, steps: training.steps };
  }

  /** Trains from the start. `between` is called behind each step, as of `PhotoTraining.run`. */
  async train(given: WebSettings, ...run: Parameters<PhotoTraining['run']>): Promise<FromWorker> {
    const gpu = await this.device();
    const { set } = this.openPhotos;
    const settings = settingsFor(given, set, gpu.traits);
    planTraining(new State(gpu), set, settings); // what cannot be is told before what there is has to go
    this.drop();
    return this.run(await this.begin(set, settings), run);
  }

  /** Goes on with the training that was begun last: as it is on the device, or anew from what it has kept. */
  async goOn({ epochs }: Request<'continue'>, ...run: Parameters<PhotoTraining['run']>): Promise<FromWorker> {
    const { training } = this;
    const isThere = training !== undefined && this.current?.model === training;
    const step = isThere ? training.step : training?.kept?.values.progress.step;
    if (!training || step === undefined) throw new UserError('there is no training to go on with; start one');
    const longer = epochs === undefined ? undefined : training.longer(epochs, step);
    if (!longer && step === training.steps)
      throw new UserError('the training is at its end; give it more epochs, or start another one');
    if (isThere && !longer) return this.run(training, run);
    const { set, settings, kept } = training;
    return this.run(await this.begin(set, longer?.settings ?? settings, kept), run, longer?.notes);
  }

  /** Makes a training in place of what there is on the device. */
  private async begin(set: ImageSet, settings: TrainSettings, from?: KeptTraining): Promise<PhotoTraining> {
    const gpu = await this.device();
    this.free();
    const events = tellingEvents(this.tell, gpu, settings.batchSize);
    const model = await PhotoTraining.create(gpu, set, settings, events, from).catch((error: unknown) => {
      this.abandon(gpu);
      throw error;
    });
    this.training = model;
    this.current = { name: settings.method, model };
    return model;
  }

  private async run(
    training: PhotoTraining,
    run: Parameters<PhotoTraining['run']>,
    notes: readonly string[] = [],
  ): Promise<Finished> {
    const { steps } = training;
    this.tell({ type: 'ready', ...trainingFacts(training), startsAt: training.step, notes });
    const start = performance.now();
    await training.run(...run);
    const { step, loss } = training;
    const seconds = (performance.now() - start) / 1000;
    return { type: 'finished', step, steps, interrupted: step < steps, loss, seconds };
  }

  /** The weights of a file, in place of what there was; the photos are opened at its image size. */
  async load({ name, bytes }: Request<'load'>): Promise<FromWorker> {
    const gpu = await this.device();
    const file = decodeSafetensors(new Uint8Array(bytes), name);
    const stored = encoderIn(file, name, this.preparationOf(file), (setting) => setting);
    const { imageSize, mean, std } = stored;
    this.drop();
    const state = new State(gpu);
    const model = modelIn(state, loadStoredEncoder(state, stored), { imageSize, mean, std }, 0);
    await gpu.finish(); // what the device has no memory for is told now
    this.current = { name: name.replace(/\.safetensors$/i, ''), model };
    const other = this.photos !== undefined && this.photos.set.height !== imageSize;
    if (this.photos && other) this.photos = await this.photos.again(imageSize, this.decoding);
    const opened = other ? this.photos?.opened : undefined;
    return { type: 'loaded', name, encoder: describeEncoder(stored), imageSize, opened };
  }

  /** How images are prepared for an encoder whose file does not say it: as for torchvision's, at the size of the photos that are open. */
  private preparationOf({ metadata }: Safetensors): GivenEncoder {
    const told = ['settings', 'classifier', 'image_size'].some((key) => key in metadata);
    return told ? {} : { imageSize: this.photos?.set.height ?? 224, normalize: 'imagenet' };
  }

  async save(): Promise<FromWorker> {
    const { name, bytes } = await this.encoded();
    return { type: 'weights', name: `${name}-encoder.safetensors`, bytes };
  }

  /** The file of the encoder that is there; of what is left of a training, for which no device is needed. */
  private async encoded(): Promise<{ name: string; bytes: Uint8Array<ArrayBuffer> }> {
    const { current } = this;
    const kept = this.training?.kept;
    if (!current && kept) return { name: kept.settings.method, bytes: keptEncoder(kept) };
    const { name, model } = await this.learnt();
    const { state, encoder, preparation, step } = model;
    return { name, bytes: await encodeEncoder(state, encoder, preparation, step) };
  }

  async search({ query, k }: Request<'search'>): Promise<FromWorker> {
    return { type: 'neighbours', query, neighbours: await (await this.compared()).similar(query, k) };
  }

  async map({ layout }: Request<'map'>, signal: AbortSignal): Promise<FromWorker> {
    return { type: 'map', layout, ...(await (await this.compared()).map(layout, signal, this.tell)) };
  }

  async features(): Promise<FromWorker> {
    const { names } = this.openPhotos;
    const bytes = featureTable(await (await this.compared()).features(), names);
    return { type: 'features', name: 'features.csv', bytes };
  }

  /** After a request that the device had not the memory for: it goes on with what it has. */
  async recover(): Promise<void> {
    await this.gpu?.finish().catch(() => {});
    this.gpu?.recover();
    this.gpu?.trim();
  }

  /** Gives up a device on which nothing is left but what a training that did not come about has taken: another is opened when it is needed. */
  private abandon(gpu: Gpu): void {
    if (this.gpu === gpu) this.gpu = undefined;
    gpu.destroy();
  }

  private get openPhotos(): PhotoSets {
    if (this.photos) return this.photos;
    throw new UserError('no photos are open; open some first');
  }

  /** The encoder that is there; that which is left of a training is brought to the device again. */
  private async learnt(): Promise<Named> {
    if (this.current) return this.current;
    const kept = this.training?.kept;
    if (!kept) throw new UserError('nothing was learnt yet; train, or load weights');
    const state = new State(await this.device());
    const { encoder, preparation } = decodeEncoder(state, keptEncoder(kept));
    const model = modelIn(state, encoder, preparation, kept.values.progress.step);
    return (this.current = { name: kept.settings.method, model });
  }

  /** The photos that are open by the encoder that is there. */
  private async compared(): Promise<Searcher> {
    const { model } = await this.learnt();
    const photos = this.openPhotos;
    const { searcher } = this;
    if (searcher?.model === model && searcher.photos === photos) return searcher;
    return (this.searcher = new Searcher(model, photos, this.decoding));
  }

  private readonly decoding = (done: number, total: number): void => this.tell({ type: 'decoding', done, total });

  /** There is no encoder any more. */
  private drop(): void {
    this.free();
    this.training = undefined;
  }

  /** Gives the memory of the encoder that is there back to the device. */
  private free(): void {
    this.current?.model.destroy();
    this.current = this.searcher = undefined;
    this.gpu?.trim();
  }
}

/** Weights that are not those of a training on the device. */
const modelIn = (state: State, encoder: Encoder, preparation: Preparation, step: number): Model => ({
  ...{ state, encoder, preparation, step },
  destroy: () => state.destroy(),
});
