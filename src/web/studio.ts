/** What the worker holds (a device, photos, an encoder), and what it does with them. Its answers are those of `protocol.ts`. */
import { UserError } from '../errors.ts';
import { Gpu } from '../gpu/device.ts';
import { DeviceLost, oneLine } from '../gpu/faults.ts';
import { State } from '../graph/state.ts';
import { decodeSafetensors, type Safetensors } from '../io/safetensors_format.ts';
import { describeEncoder } from '../nn/encoder_shape.ts';
import { encodeEncoder } from '../train/encoder_content.ts';
import { encoderIn, type GivenEncoder, loadStoredEncoder } from '../train/encoder_tensors.ts';
import { featureTable, type Model } from './model.ts';
import { PhotoSets } from './photo_sets.ts';
import type { Finished, FromWorker, ToWorker, WebSettings } from './protocol.ts';
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
      // What was on it is gone; photos are in the host's memory.
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

  /** Trains from the start. `between` is called behind each step, as of `PhotoTraining.run`. */
  async train(given: WebSettings, ...run: Parameters<PhotoTraining['run']>): Promise<FromWorker> {
    const gpu = await this.device();
    const { set } = this.openPhotos;
    const settings = settingsFor(given, set, gpu.traits);
    planTraining(new State(gpu), set, settings); // what cannot be is told before what there is has to go
    this.drop();
    const events = tellingEvents(this.tell, gpu, settings.batchSize);
    const model = await PhotoTraining.create(gpu, set, settings, events).catch((error: unknown) => {
      this.abandon(gpu);
      throw error;
    });
    this.current = { name: settings.method, model };
    return this.run(model, run);
  }

  /** Goes on with the training that was stopped. */
  async goOn(...run: Parameters<PhotoTraining['run']>): Promise<FromWorker> {
    const model = this.current?.model;
    if (!(model instanceof PhotoTraining)) throw new UserError('there is no training to go on with; start one');
    if (model.step === model.steps) throw new UserError('the training is at its end; start another one');
    return this.run(model, run);
  }

  private async run(training: PhotoTraining, run: Parameters<PhotoTraining['run']>): Promise<Finished> {
    const { steps } = training;
    this.tell({ type: 'ready', ...trainingFacts(training), startsAt: training.step });
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
    const encoder = loadStoredEncoder(state, stored);
    const destroy = () => state.destroy();
    const model: Model = { state, encoder, preparation: { imageSize, mean, std }, step: 0, destroy };
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
    const { name, model } = this.learnt;
    const { state, encoder, preparation, step } = model;
    const bytes = await encodeEncoder(state, encoder, preparation, step);
    return { type: 'weights', name: `${name}-encoder.safetensors`, bytes };
  }

  async search({ query, k }: Request<'search'>): Promise<FromWorker> {
    return { type: 'neighbours', query, neighbours: await this.compared.similar(query, k) };
  }

  async map({ layout }: Request<'map'>, signal: AbortSignal): Promise<FromWorker> {
    return { type: 'map', layout, ...(await this.compared.map(layout, signal, this.tell)) };
  }

  async features(): Promise<FromWorker> {
    const { names } = this.openPhotos;
    const bytes = featureTable(await this.compared.features(), names);
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

  private get learnt(): Named {
    if (this.current) return this.current;
    throw new UserError('nothing was learnt yet; train, or load weights');
  }

  /** The photos that are open by the encoder that is there. */
  private get compared(): Searcher {
    const { model } = this.learnt;
    const photos = this.openPhotos;
    const { searcher } = this;
    if (searcher?.model === model && searcher.photos === photos) return searcher;
    return (this.searcher = new Searcher(model, photos, this.decoding));
  }

  private readonly decoding = (done: number, total: number): void => this.tell({ type: 'decoding', done, total });

  /** Gives the memory of the encoder that is there back to the device. */
  private drop(): void {
    this.current?.model.destroy();
    this.current = this.searcher = undefined;
    this.gpu?.trim();
  }
}
