/**
 * What a method of representation learning is: a page of its own under `src/methods/`, built from what stands here. Nothing here, and
 * nothing that trains, prints, saves or draws, knows which methods there are: it iterates over what a learner declares.
 */
import type { z } from 'zod';
import type { ImageSet } from '../data/images.ts';
import type { DataKind } from '../data/samples.ts';
import type { SequenceSet } from '../data/sequences.ts';
import type { TextSet } from '../data/texts.ts';
import type { Tokenizer } from '../data/tokenizer.ts';
import type { Data, Tensor } from '../graph/tensor.ts';
import type { Naming } from '../io/checked.ts';
import type { Encoder } from '../nn/encoder.ts';
import type { MlpOptions } from '../nn/mlp.ts';
import type { Mode, Module, NamedTensor } from '../nn/module.ts';
import type { AugmentationConfig, ViewParameters } from '../ops/augment.ts';
import type { ImageSize } from '../ops/gather_images.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import type { RateRow } from '../optim/rates.ts';
import type { Feeds, ImageTable, OtherImages, StepTime } from './feeds.ts';
import type { Pixels } from './pixels.ts';
import type { SharedSettings } from './settings.ts';

/** Shared settings and those of a method, which may have none. */
export type Settings<O extends z.ZodRawShape> = SharedSettings &
  (keyof O extends never ? unknown : Readonly<z.infer<z.ZodObject<O>>>);

/** A method: how it is named and set up, the views that it wants, and what learns from them. */
export interface Method<O extends z.ZodRawShape = z.ZodRawShape> {
  /** For `--method`, `config.json` and checkpoints: lower case. */
  readonly name: string;
  /** Other names that `--method` takes; settings and files have `name`. */
  readonly aliases?: readonly string[];
  /** One line for people: what it does. */
  readonly about: string;
  /** Its source: authors, year, arXiv number. */
  readonly paper: string;
  /** What it learns from; images by default. Of others it has no views, and asks for them as feeds (`Feeds.windows`, `Feeds.textOf`). */
  readonly data?: DataKind;
  /** Images without labels will not do. */
  readonly needsLabels?: boolean;
  /** Images without captions will not do. */
  readonly needsCaptions?: boolean;
  /** Images that are no frames of clips, a folder each (`clipsOf`), will not do. */
  readonly needsClips?: boolean;
  /** Of a method that needs labels with some settings: that which asks for them, `loss`; undefined where none does. */
  labelsFor?(settings: Settings<O>): (keyof O & string) | undefined;
  /** `--micro-batch` works: `create` returns a learner with `split`. */
  readonly microBatches?: boolean;
  /**
   * Its only loss is a mean over images, each with as many terms, and nothing that it keeps depends on single images but through
   * `Step.means`: the gradients of parts of a batch may be averaged. Such a method, and any with `split`, trains on several processes; see
   * docs/distributed.md.
   */
  readonly meanOverImages?: boolean;
  /** Why it does not, in words that go on from `… on several processes: `; undefined where it does with these settings. */
  onlyAlone?(settings: Settings<O>, name: Naming): string | undefined;
  /** `beforeEpoch` reads pixels of any images, and not only their features: no process may have images of its own. */
  readonly readsImages?: boolean;
  /** Between the layers of its projection head, where that is not ReLU: their tensors do not tell. */
  readonly headActivation?: MlpOptions['activation'];
  /** Its own settings: schemas with a default and a description, as in `settingGroups`. */
  readonly options: O;
  /** The paper's defaults of the shared settings, where they differ from the table's. */
  readonly recipe: Partial<SharedSettings>;
  /** Defaults of a run of minutes (without a GPU, or on the sample set), in place of the paper's. */
  readonly short?: Partial<Settings<O>>;
  /** What other defaults `recipe` and `short` have, and own settings, where a vision transformer is asked for that the recipe has not. */
  readonly onTransformer?: { readonly recipe: Partial<Settings<O>>; readonly short?: Partial<Settings<O>> };
  /** Defaults on the sample set, in place of the crops and colours that all methods have there. */
  readonly sample?: Partial<Settings<O>>;
  /**
   * Refuses settings that contradict each other: UserError (usage), with `name` for how the user knows a setting. `given`: whether one has
   * another value than its defaults, so that somebody asked for it; of settings in a file, where defaults may be those of older versions, none has.
   */
  check?(settings: Settings<O>, name: Naming, given: (setting: string) => boolean): void;
  /** The views of each image that a step asks for; none of data that are no images. */
  views(settings: Settings<O>): readonly ViewGroup[];
  /** Makes networks and the step that trains them: called once in a run, before anything is traced. */
  create(settings: Settings<O>, build: Build): Learner;
}

/** What a method needs beside images, or what else it learns from. */
export const needsBeside = ({ needsLabels, needsCaptions, needsClips }: Method): readonly string[] => [
  ...(needsLabels ? ['labels'] : []),
  ...(needsCaptions ? ['captions'] : []),
  ...(needsClips ? ['clips'] : []),
];

/** A method as the rest of the program knows it: with its own settings unknown. */
export const defineMethod = <O extends z.ZodRawShape>(method: Method<O>): Method => method as unknown as Method;

/** Views of one kind: `step` gets a tensor [count · N, size, size, 4] for each group, view v of image i in row v · N + i. */
export interface ViewGroup {
  /** Views of each image; 1 without augmentation. */
  readonly count: number;
  /** Height and width of a view. */
  readonly size: number;
  /** What is drawn of each view; undefined: the whole image, as evaluation sees it. */
  readonly augmentation?: AugmentationConfig | undefined;
  /**
   * In place of what `augmentation` draws of crop, flip, colours and blur: what is done to view v of an image, such as to cut out a patch.
   * A function of its arguments and of nothing else; `random(seed, epoch, image)` of rng.ts draws.
   */
  readonly parameters?: ((image: number, time: StepTime, view: number, size: ImageSize) => ViewParameters) | undefined;
  /** Keeps the draws of groups apart; the group's number by default. */
  readonly stream?: number;
  /** Other images that the views are made of, in place of the batch's: neighbours of them, say. */
  readonly from?: ImageTable | undefined;
  /** Images of another set, in place of the batch's and as many as that says: M of them make views [count · M, size, size, 4]. */
  readonly of?: OtherImages | undefined;
}

/** What a learner is made for. */
export interface Build {
  /** How training passes are traced: with statistics of the batch, in the run's precision. */
  readonly training: Mode;
  /** Images that a step is traced for: those of a batch, N, or of a method with `meanOverImages` those that one process has of it. */
  readonly batchSize: number;
  readonly images: ImageFacts;
}

/** What is known of the images, or of what else there is; checkpoints keep it. */
export interface ImageFacts {
  readonly count: number;
  /** 0: they have no labels. */
  readonly classes: number;
  /** Undefined where the classes have no names; files of older versions have none. */
  readonly classNames?: readonly string[] | undefined;
  /** What `Tokenizer.train` made of their captions, or of texts that are learnt from; undefined where there are none. */
  readonly merges?: readonly number[] | undefined;
  /** Of sequences: numbers of a frame, and frames in a second where that is known. */
  readonly sequences?: SequenceFacts | undefined;
  /** Of texts: how many there are in a row. */
  readonly texts?: TextFacts | undefined;
  /** Of texts: how often they have each token; undefined where the data are not at hand, as checkpoints do not keep it. */
  readonly tokenCounts?: (() => readonly number[]) | undefined;
}

/** What a method may know of the sequences that it learns from. */
export type SequenceFacts = Pick<SequenceSet, 'channels' | 'sampleRate'>;
export type TextFacts = Pick<TextSet, 'columns'>;

/** How fast parameters change: functions of the step. */
export interface ScheduledRates {
  /** The learning rate, from the one that the settings' schedule gives. */
  readonly lr?: (scheduled: number, time: StepTime) => number;
  /** The weight decay, in place of the optimiser's. */
  readonly weightDecay?: (time: StepTime) => number;
}

/** Parameters that one optimiser updates from one loss. */
export interface ParameterGroup extends ScheduledRates {
  readonly name: string;
  readonly modules: readonly Pick<Module, 'parameters' | 'buffers'>[];
  /** Modules with rates of their own, such as a predictor whose learning rate stays as it is: PyTorch's parameter groups. */
  readonly parts?: readonly (ScheduledRates & { readonly modules: readonly Pick<Module, 'parameters'>[] })[];
  /**
   * In place of the settings' optimiser. One that does not pass `rowOf` on has the first rates for all parameters: those of the group,
   * with decay.
   */
  readonly optimizer?: (weights: Tensor, rowOf: RateRow) => Optimizer;
  /** False: its gradients pass no f16, and its loss is not scaled (a linear layer on a frozen encoder). */
  readonly scaled?: boolean;
}

/** What is trained: an encoder, and all that its method needs beside it. */
export interface Learner {
  /** What is probed, embedded with and exported. */
  readonly encoder: Encoder;
  readonly groups: readonly ParameterGroup[];
  /** What a step changes beside the groups, by name: a teacher, a queue, a centre. In every checkpoint. */
  readonly kept?: Readonly<Record<string, Kept>>;
  /** Records a step; traced once. `views` has a tensor for each group of `Method.views`. */
  step(views: readonly Tensor[], feeds: Feeds): Step;
  /** The same in two parts, so that a large batch may go through the network in micro-batches. */
  readonly split?: Split;
  /** Work of the host before an epoch (neighbours, clusters). `Feeds.epoch` reads rows of what it returns. */
  beforeEpoch?(epoch: EpochContext): Promise<Readonly<Record<string, Data>>>;
  /** How what `Step.log` has is shown; see `Metric`. */
  readonly metrics?: Readonly<Record<string, Metric>>;
  readonly chance?: Chance;
  /** Images, or texts, are told apart from each other, so that copies of one among them do harm. */
  readonly discriminatesImages?: boolean;
  /** Why it will learn little of these images, and what to give instead, a line each; warned of before the first step. */
  unfit?(images: ImageSet): { readonly message: string; readonly remedy: string } | undefined;
  readonly figures?: readonly Figure[];
  /** What relates texts to its images, for questions in words. */
  readonly texts?: TextTower;
}

/** Texts and features of images as embeddings of one space [N, dimensions], of length one. */
export interface TextTower {
  readonly tokenizer: Tokenizer;
  /** Tokens of a text with its padding, T. */
  readonly context: number;
  readonly dimensions: number;
  /** ids u32 [N · T], and the last token of each text among them, u32 [N]. */
  text(ids: Tensor, last: Tensor, mode: Mode): Tensor;
  /** Features [N, dimensions of the encoder]. */
  image(features: Tensor): Tensor;
}

/** A module, of which parameters and buffers are kept, or an f32 variable. */
export type Kept = Pick<Module, 'parameters' | 'buffers'> | Tensor;

export type Means = Readonly<Record<string, Tensor>>;

/** What a step computes. */
export interface Step {
  /** The loss of each group, in the order of the updates: the second is recorded behind the first's update, and sees it. */
  readonly losses: readonly (readonly [group: string, loss: () => Tensor])[];
  /** f32 [1] each: accuracy, measures of collapse, the loss's own terms. */
  readonly log?: Readonly<Record<string, Tensor>>;
  /** Small means over the images, f32, which `after` needs: where several processes share the batch, it is given those over all of it. */
  readonly means?: Means;
  /** Recorded behind the updates: a teacher's average, a queue. Must change nothing where `made` (u32 [1]) is 0: the step was left out. */
  after?(made: Tensor, means: Means): void;
}

/**
 * A step whose loss needs the embeddings of the whole batch, and nothing else of it. Its parts are recorded in one program or in several,
 * so that they share nothing but z and what the learner keeps; feeds have names of their own in all of them.
 */
export interface Split {
  /** What a step does once, before any image is seen: a teacher follows. */
  before?(feeds: Feeds): void;
  /** Views of M images to z [V · M, …], the V views of an image in rows i, i + M, …; M is N or a part of it. */
  embed(views: readonly Tensor[], feeds: Feeds, mode: Mode): Tensor;
  /**
   * Further rows of z, [W · M, …] behind those of `embed`: what networks that are not trained make of the views. No gradient passes them, and
   * they see a piece of the batch once where the others see it twice.
   */
  targets?(views: readonly Tensor[], feeds: Feeds, mode: Mode): Tensor;
  /** z [(V + W) · N, …] to the loss of the only group. */
  compare(z: Tensor, feeds: Feeds): { readonly loss: Tensor; readonly log?: Readonly<Record<string, Tensor>> };
  /** Recorded behind the update, as `Step.after` is: a queue takes rows of z. */
  after?(z: Tensor, feeds: Feeds, made: Tensor): void;
}

/** How a number of a step is shown. One that is not declared is shown under its name, as a mean over the epoch. */
export interface Metric {
  /** In the line of an epoch: `acc`. */
  readonly label: string;
  readonly format: 'percent' | 'number';
  /** What stands for an epoch: the mean over its steps, or the value of the last one. */
  readonly epoch: 'mean' | 'last';
  /** One line before training: what it is, and what to expect of it. */
  readonly note?: string;
  /** What guessing gives; of `accuracy` that is `Chance.accuracy`. */
  readonly guess?: number;
  /** Of a measure of spread: its value in a healthy training, and that as a formula; a tenth of it counts as collapsed. */
  readonly healthy?: { readonly value: number; readonly formula: string };
}

/** What guessing gives: a reference line in charts, and a loss that stays there is warned of. */
export interface Chance {
  readonly loss: number;
  /** `log(2N−1)` */
  readonly formula: string;
  readonly accuracy?: number;
  /** Behind the accuracy: what is guessed. */
  readonly note?: string;
  /** What a model has not learnt whose loss is this. */
  readonly meaning: string;
  /** What to try where it stays so; in place of the general advice. */
  readonly remedy?: string;
  /** First epochs in which a loss like that says nothing yet, as where prototypes stand still; 0 by default. */
  readonly patience?: number;
}

/** What an epoch begins with. */
export interface EpochContext {
  /** From 0. */
  readonly epoch: number;
  readonly images: ImageSet;
  /** Features [count, dimensions] of all images, whole, from the encoder as it is now, in inference mode. */
  features(): Promise<Float32Array>;
  /** For each row of features [count, dimensions] the k most similar others by cosine, most similar first: [count, k], on the GPU. */
  nearest(features: Float32Array, k: number): Promise<Uint32Array>;
  /** For each row of features [count, dimensions] its cluster, from 0, of so many by k-means with the run's seed. */
  clustersOf(features: Float32Array, clusters: number): Uint32Array;
  /** The centres [clusters, dimensions] of so many clusters by k-means of any rows [., dimensions], with the run's seed. */
  centresOf(rows: Float32Array, dimensions: number, clusters: number): Float32Array;
  /** What the epoch before began with, of this run or of the one that it resumes; nothing before the first. */
  readonly before: Readonly<Record<string, Data>>;
}

/** A picture of what the network makes of a few fixed images, drawn while training goes on. */
export type Figure = SimilarityOfPairs | PictureFigure;

/** Cosine similarities of the embeddings of two views of each image, drawn as the first group draws them, in inference mode. */
export interface SimilarityOfPairs {
  readonly kind: 'similarity';
  /** Views [2 · n, size, size, 4] → embeddings [2 · n, D]. */
  embed(views: Tensor): Tensor;
}

/** Whether a figure is of pairs. */
export const ofPairs = (figure: Figure): figure is SimilarityOfPairs => figure.kind === 'similarity';

/** What a method does with images: input, output and truth side by side, a row for each image. */
export interface PictureFigure {
  readonly kind: 'pictures';
  /** Of its files: `rotations-step-00000010.png`. */
  readonly name: string;
  /** How many images are shown, 8 by default. */
  readonly images?: number;
  /** Which images are shown, such as frames that follow each other; drawn at random by default. At most `images`. */
  choose?(images: ImageSet): ArrayLike<number>;
  /** Records what is shown, in inference mode; `views` and `feeds` are those of `step`, of the images shown. */
  record(views: readonly Tensor[], feeds: Feeds): Readonly<Record<string, Tensor>>;
  /** The columns of the sheet, from what was recorded. */
  columns(values: Readonly<Record<string, Data>>): readonly PictureColumn[];
}

/** Pictures below each other. */
export interface PictureColumn {
  /** Above them, such as `input`. */
  readonly label: string;
  readonly pictures: readonly Pixels[];
  /** A line under each picture. */
  readonly captions?: readonly string[];
}

/** A module or a variable as named tensors. */
export const keptEntries = (kept: Kept): readonly NamedTensor[] =>
  'parameters' in kept ? [...kept.parameters, ...kept.buffers] : [{ tensor: kept, torchShape: kept.shape }];
