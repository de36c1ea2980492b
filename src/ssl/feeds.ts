/** Inputs of a step that carry how they are fed: what changes from step to step is a function of the time, and nothing else. */
import { isImageSet } from '../data/images.ts';
import { endlessOrder } from '../data/order.ts';
import type { SampleSet } from '../data/samples.ts';
import { isSequenceSet } from '../data/sequences.ts';
import type { ImageSource } from '../data/source.ts';
import { isTextSet, type TextSet } from '../data/texts.ts';
import type { Inputs } from '../graph/program.ts';
import { type Data, type DType, elements, type Shape, type Tensor } from '../graph/tensor.ts';
import { input } from '../graph/trace.ts';
import { random } from './rng.ts';
import { windowStart } from './windows.ts';

/** When a step takes place, and of what. A run that resumes meets the same times again. */
export interface StepTime {
  readonly seed: number;
  /** From 1. */
  readonly step: number;
  /** From 0. */
  readonly epoch: number;
  /** Steps of the whole run, and of an epoch. */
  readonly steps: number;
  readonly perEpoch: number;
  /** The images of the batch, or of the micro-batch. */
  readonly indices: Uint32Array;
  /** The place of the first of them in the batch. */
  readonly first: number;
}

/** How a method asks for inputs, while its step is traced. Each has a name of its own. */
export interface Feeds {
  /** f32 [1]: a schedule. */
  scalar(name: string, value: (time: StepTime) => number): Tensor;
  /** u32 [1]: a row, such as the one from which on a queue is written. */
  index(name: string, value: (time: StepTime) => number): Tensor;
  /**
   * u32 [views · N]: a whole number for each image, such as its label or a drawn rotation; with `views`, for each view of it, in the
   * rows of a view group: view v of image i in row v · N + i.
   */
  perImage(name: string, value: (image: number, time: StepTime, view: number) => number, views?: number): Tensor;
  /** u32 [views · N]: the label of each image, for each view of it; of a method that needs labels. */
  labels(views?: number): Tensor;
  /** No input, but what one is made of: what is said of an image in an epoch, one of its captions drawn; of a method that needs captions. */
  captionOf(image: number, time: StepTime): string;
  /** No input, but what one is made of: a text of a row, the first by default; of a method that learns from texts. */
  textOf(row: number, column?: number): string;
  /** All rows of them. */
  texts(): TextSet['texts'];
  /** f32 [views · N, columns]: a row for each view of each image, view v of image i in row v · N + i. */
  views(
    name: string,
    views: number,
    columns: number,
    row: (image: number, time: StepTime, view: number) => ArrayLike<number>,
  ): Tensor;
  /** f32 [N, columns]: a row for each image. */
  rows(name: string, columns: number, row: (image: number, time: StepTime) => ArrayLike<number>): Tensor;
  /**
   * u32 [views · N · count]: for each image, or each view of it, the rows of another tensor that are taken for it, such as its patches that
   * are kept; `place` is that of the image among all, view v of image i at v · N + i.
   */
  rowsOf(
    name: string,
    count: number,
    rows: (image: number, place: number, time: StepTime, view: number) => ArrayLike<number>,
    views?: number,
  ): Tensor;
  /**
   * f32 [N, length, channels]: of each sequence so many frames one after another, drawn anew in each epoch from all places where they fit;
   * of a method that learns from sequences.
   */
  windows(name: string, length: number): Tensor;
  /** Rows of what `beforeEpoch` returned under this name, one for each image: [N, columns], or [N] without columns. */
  epoch(name: string, dtype: 'f32' | 'u32', columns?: number): Tensor;
  /** What `beforeEpoch` returned under this name, all of it, the same for all images: f32 of this shape. */
  whole(name: string, shape: Shape): Tensor;
}

/** Keeps the draw of captions apart from those of views. */
const captionStream = 7_919;

export type EpochData = Readonly<Record<string, Data>>;

/** An input that reads what `beforeEpoch` returned under a name: rows of `columns` numbers, one for each image. */
export interface EpochInput {
  readonly name: string;
  readonly dtype: 'f32' | 'u32';
  readonly columns: number;
  /** There is one row only, for all images. */
  readonly whole?: boolean;
}

/** For each image some others: a table [count, columns] of images that `beforeEpoch` returned. */
export interface ImageTable {
  /** What `beforeEpoch` calls it; a Uint32Array. */
  readonly name: string;
  /** View v of an image takes column (epoch · views + v) mod columns: all in their turn. */
  readonly columns: number;
}

/** Images of another set, in an order of their own: unlabelled ones beside a labelled batch. Not with micro-batches. */
export interface OtherImages {
  readonly name: string;
  readonly source: ImageSource;
  /** How many of them a step has. */
  readonly perStep: number;
}

/** The images of a step from one source. */
export interface StepImages {
  readonly source: ImageSource;
  /** u32 [N] */
  readonly indices: Tensor;
  /** Packed images u32 [N, words]; recorded once. */
  readonly images: () => Tensor;
}

type Value = (time: StepTime, data: EpochData) => Data;

/** Images of a source, as `ImageSource` gives them. */
interface Images {
  images(indices: Tensor, name: string): Tensor;
  inputs(indices: Uint32Array, name: string): Inputs;
}

/** The inputs of one program. */
export class StepFeeds implements Feeds {
  private readonly fed = new Map<string, Value>();
  private readonly sources: ((time: StepTime, data: EpochData) => Inputs)[] = [];
  /** Inputs that are rows of what an epoch began with. */
  readonly ofEpoch: EpochInput[] = [];
  private readonly others = new Map<OtherImages, StepImages>();
  private numberOfStep: Tensor | undefined;

  /**
   * @param images images, or other samples, of a run of the program: a batch or a micro-batch
   * @param classes of all images, where they are labelled
   * @param set what the samples are of, where methods ask for more than their numbers
   * @param prefix of the names of all inputs, where the program has those of other feeds too
   */
  constructor(
    private readonly images: number,
    private readonly classes: ArrayLike<number> = [],
    private readonly set?: SampleSet,
    private readonly prefix = '',
  ) {}

  /** Of so many samples of a set. */
  static of(set: SampleSet, samples: number, prefix = ''): StepFeeds {
    return new StepFeeds(samples, set.labels, set, prefix);
  }

  /** Any input. Error: the name is taken. */
  input(name: string, shape: Shape, dtype: DType, value: Value): Tensor {
    if (this.fed.has(name)) throw new Error(`two inputs of a step are named '${name}'`);
    this.fed.set(name, value);
    return input(this.prefix + name, shape, dtype);
  }

  scalar(name: string, value: (time: StepTime) => number): Tensor {
    return this.input(name, [1], 'f32', (time) => Float32Array.of(value(time)));
  }

  index(name: string, value: (time: StepTime) => number): Tensor {
    return this.input(name, [1], 'u32', (time) => Uint32Array.of(whole(value(time), name, `step ${time.step}`)));
  }

  perImage(name: string, value: (image: number, time: StepTime, view: number) => number, views = 1): Tensor {
    return this.input(name, [views * this.images], 'u32', (time) => {
      const { indices } = time;
      const of = (_: unknown, row: number) => {
        const image = indices[row % indices.length];
        return whole(value(image, time, Math.floor(row / indices.length)), name, `image ${image}`);
      };
      return Uint32Array.from({ length: views * indices.length }, of);
    });
  }

  labels(views = 1): Tensor {
    return this.perImage('labels', (image) => this.classes[image], views);
  }

  captionOf(image: number, { seed, epoch }: StepTime): string {
    const own = this.set && isImageSet(this.set) && this.set.captions?.[image];
    if (!own) throw new Error(`image ${image} has no caption`);
    return own[random(seed, epoch, image, captionStream).below(own.length)];
  }

  textOf(row: number, column = 0): string {
    const text = this.texts()[row]?.[column];
    if (text === undefined) throw new Error(`there is no text in column ${column} of row ${row}`);
    return text;
  }

  texts(): TextSet['texts'] {
    if (this.set && isTextSet(this.set)) return this.set.texts;
    throw new Error('the method asks for texts, which the data are not');
  }

  views(
    name: string,
    views: number,
    columns: number,
    row: (image: number, time: StepTime, view: number) => ArrayLike<number>,
  ): Tensor {
    return this.input(name, [views * this.images, columns], 'f32', (time) => {
      const { indices } = time;
      const rows = new Float32Array(views * indices.length * columns);
      for (let view = 0; view < views; view++)
        indices.forEach((image, i) => rows.set(row(image, time, view), (view * indices.length + i) * columns));
      return rows;
    });
  }

  rows(name: string, columns: number, row: (image: number, time: StepTime) => ArrayLike<number>): Tensor {
    return this.views(name, 1, columns, row);
  }

  rowsOf(
    name: string,
    count: number,
    rows: (image: number, place: number, time: StepTime, view: number) => ArrayLike<number>,
    views = 1,
  ): Tensor {
    return this.input(name, [views * this.images * count], 'u32', (time) => {
      const { indices } = time;
      const all = new Uint32Array(views * indices.length * count);
      for (let place = 0; place < views * indices.length; place++) {
        const [view, i] = [Math.floor(place / indices.length), place % indices.length];
        all.set(rows(indices[i], place, time, view), place * count);
      }
      return all;
    });
  }

  windows(name: string, length: number): Tensor {
    const { set } = this;
    if (!set || !isSequenceSet(set))
      throw new Error(`feed '${name}': windows are of sequences, which the data are not`);
    const size = length * set.channels;
    return this.input(name, [this.images, length, set.channels], 'f32', ({ indices, seed, epoch }) => {
      const frames = new Float32Array(indices.length * size);
      indices.forEach((i, place) =>
        set.read(i, windowStart(set.length(i), length, [seed, epoch, i]), length, frames, place * size),
      );
      return frames;
    });
  }

  epoch(name: string, dtype: 'f32' | 'u32', columns?: number): Tensor {
    const shape = [this.images, ...(columns === undefined ? [] : [columns])];
    const width = elements(shape) / this.images;
    this.ofEpoch.push({ name, dtype, columns: width });
    return this.input(name, shape, dtype, ({ indices }, { [name]: all }) => {
      const rows = new (dtype === 'f32' ? Float32Array : Uint32Array)(indices.length * width);
      if (!all) throw new Error(`beforeEpoch returned nothing named '${name}'`);
      indices.forEach((image, i) => rows.set(all.subarray(image * width, (image + 1) * width), i * width));
      return rows;
    });
  }

  whole(name: string, shape: Shape): Tensor {
    this.ofEpoch.push({ name, dtype: 'f32', columns: elements(shape), whole: true });
    return this.input(name, shape, 'f32', (_, { [name]: all }) => {
      if (!all) throw new Error(`beforeEpoch returned nothing named '${name}'`);
      return all;
    });
  }

  /**
   * Packed images u32 [views · N, words] of a table that `beforeEpoch` returned, in place of the batch's: in row v · N + i one of those that
   * belong to image i.
   */
  imagesFrom({ name, columns }: ImageTable, views: number, source: Images): Tensor {
    const [indices, packed] = [`${name}: indices`, `${this.prefix}${name}: images`];
    this.ofEpoch.push({ name, dtype: 'u32', columns });
    const chosen = ({ indices, epoch }: StepTime, { [name]: table }: EpochData): Uint32Array => {
      if (!table) throw new Error(`beforeEpoch returned nothing named '${name}', which views are made from`);
      const N = indices.length;
      const column = (row: number) => (epoch * views + Math.floor(row / N)) % columns;
      return Uint32Array.from({ length: views * N }, (_, row) => table[indices[row % N] * columns + column(row)]);
    };
    this.sources.push((time, data) => source.inputs(chosen(time, data), packed));
    return source.images(this.input(indices, [views * this.images], 'u32', chosen), packed);
  }

  /** Images of another set; the same ones for all who ask with one object. */
  imagesOf(other: OtherImages): StepImages {
    let found = this.others.get(other);
    if (!found) {
      found = this.fromOther(other);
      this.others.set(other, found);
    }
    return found;
  }

  private fromOther({ name, source, perStep }: OtherImages): StepImages {
    const [indices, packed] = [`${name}: indices`, `${this.prefix}${name}: images`];
    let order: { seed: number; at: ReturnType<typeof endlessOrder> } | undefined;
    const chosen = ({ seed, step }: StepTime): Uint32Array => {
      if (order?.seed !== seed) order = { seed, at: endlessOrder(source.set.count, seed) };
      return order.at((step - 1) * perStep, perStep);
    };
    this.sources.push((time) => source.inputs(chosen(time), packed));
    const rows = this.input(indices, [perStep], 'u32', chosen);
    let gathered: Tensor | undefined;
    return { source, indices: rows, images: () => (gathered ??= source.images(rows, packed)) };
  }

  /** u32 [1]: the number of the step. */
  get step(): Tensor {
    this.numberOfStep ??= this.input('step', [1], 'u32', ({ step }) => Uint32Array.of(step));
    return this.numberOfStep;
  }

  /** u32 [N]: the images. */
  get indices(): Tensor {
    return this.input('indices', [this.images], 'u32', ({ indices }) => indices);
  }

  /** What a run of the program is given at a time. */
  values(time: StepTime, data: EpochData = {}): Inputs {
    const fed = Object.fromEntries(
      Array.from(this.fed, ([name, value]) => [this.prefix + name, value(time, data)] as const),
    );
    return Object.assign(fed, ...this.sources.map((inputs) => inputs(time, data)));
  }
}

/** A value as it is. Error: it is no whole number of 0 or more, which a typed array would take for another one. */
function whole(value: number, name: string, of: string): number {
  if (Number.isInteger(value) && value >= 0) return value;
  throw new Error(`feed '${name}': the value of ${of} is ${value}, not a whole number of 0 or more`);
}
