/**
 * What a page and its worker say to each other. The worker does everything that takes time: it decodes the photos, trains, embeds,
 * searches. The page makes it with `new Worker(url, { type: 'module' })`, posts requests and shows the answers.
 *
 * The worker opens the GPU as soon as it is there and says so: `device`, or an `error` of kind `no-webgpu`. Requests are done one after
 * another. While it trains, all but `open`, `train`, `continue` and `load` are done between two steps, with the weights as they are then;
 * those four are answered with an error of kind `input`. `stop` is never kept waiting.
 *
 * Every request ends with exactly one answer: that which is named beside it, or an `error` with its type in `during`.
 */

/** A photo that the user chose or dropped. */
export interface Photo {
  /** How the page and lists of files call it: its path in the folder, where that is known, else the file's name. */
  readonly name: string;
  readonly file: File;
}

/**
 * Settings by the names that the library and `config.json` have for them (`batchSize`, `epochs`, `steps`, `lr`, `temperature`, `width`,
 * `architecture`, `stem`, `seed`, `schedule`, …), all with defaults: those of a run of minutes where the adapter is a software rasteriser,
 * else those of the method. `method` is one of `Device.methods`; the image size is that of the photos that are open.
 */
export type WebSettings = Readonly<Record<string, string | number | boolean>>;

export interface OpenRequest {
  readonly type: 'open';
  /** In place of those that were open; what was learnt from those is kept until something else is trained or loaded. */
  readonly photos: readonly Photo[];
  /**
   * Height and width to which photos are decoded, in pixels (16 to 512): that of a training. Weights of a file may ask for another: for
   * them photos are decoded anew where it is needed.
   */
  readonly imageSize: number;
}

/** What is compared with the photos: one of them, by its place in `Opened.names`, or any other file. */
export type Query = { readonly photo: number } | { readonly file: File };

export type ToWorker =
  /** → `opened`; `decoding` meanwhile. */
  | OpenRequest
  /** Says what a training would need, without one → `planned`. */
  | { readonly type: 'plan'; readonly settings: WebSettings }
  /** Trains from the start → `finished`; `compiling`, `ready`, `step`, `epoch`, `similarity`, `pairs`, `warning` meanwhile. */
  | { readonly type: 'train'; readonly settings: WebSettings }
  /**
   * Goes on with a training that was stopped, or whose device was lost, from what was kept of it → `finished`, with the same meanwhile.
   * More `epochs` than it has make it longer, also one that is at its end: what is scheduled over the whole training spans them all then.
   */
  | { readonly type: 'continue'; readonly epochs?: number }
  /** Ends the training behind the step under way, or the map under way; has no answer of its own, theirs comes. */
  | { readonly type: 'stop' }
  /** The encoder of a safetensors file: saved here, exported by the command line, or torchvision's → `loaded`. */
  | { readonly type: 'load'; readonly name: string; readonly bytes: ArrayBuffer }
  /** The encoder as a safetensors file, which `simclr … --checkpoint FILE` reads → `weights`. */
  | { readonly type: 'save' }
  /** The k photos most similar to a query → `neighbours`. */
  | { readonly type: 'search'; readonly query: Query; readonly k: number }
  /** All photos in the plane, similar ones close to each other → `map`; `map-progress` meanwhile. */
  | { readonly type: 'map'; readonly layout: MapLayout }
  /** The features of all photos as a table → `features`. */
  | { readonly type: 'features' };

export type MapLayout = 'pca' | 'tsne';
export type RequestType = ToWorker['type'];

/** The GPU, as far as a page shows it. */
export interface DeviceFacts {
  readonly type: 'device';
  /** For people: `NVIDIA GeForce …`, `SwiftShader …`. */
  readonly adapter: string;
  /** A software rasteriser: everything takes minutes. */
  readonly software: boolean;
  /** Bytes of the largest buffer, and of the largest that a kernel sees at once. */
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
  readonly features: readonly string[];
  /** Methods that learn from photos alone, the default first, with a line on each. */
  readonly methods: readonly { readonly name: string; readonly about: string }[];
}

/** A file that is no photo the browser can decode, and why. */
export interface SkippedPhoto {
  readonly name: string;
  readonly reason: string;
}

export interface Opened {
  readonly type: 'opened';
  /** Of the photos that could be read; a photo's place here is its number in all other messages. */
  readonly names: readonly string[];
  /** The place of each of them in the request's list. */
  readonly places: readonly number[];
  readonly imageSize: number;
  readonly skipped: readonly SkippedPhoto[];
}

/** What a training is before its first step. */
export interface TrainingFacts {
  readonly method: string;
  readonly parameters: number;
  /** Bytes in the GPU's buffers at most, the photos among them. */
  readonly peakBytes: number;
  readonly steps: number;
  readonly stepsPerEpoch: number;
  readonly epochs: number;
  readonly batchSize: number;
  /** Of a method where guessing has a loss: that loss, for a line in a chart. */
  readonly chance?: number;
  /** How the numbers in `Step.metrics` are shown, by their names. */
  readonly metrics: Readonly<Record<string, { readonly label: string; readonly format: 'percent' | 'number' }>>;
  /** All settings, the defaults among them. */
  readonly settings: WebSettings;
}

export interface Planned extends TrainingFacts {
  readonly type: 'planned';
}

export interface Ready extends TrainingFacts {
  readonly type: 'ready';
  /** Steps that were done before, 0 but for `continue`. */
  readonly startsAt: number;
  /** What a greater length changes, for people. */
  readonly notes: readonly string[];
}

export interface Step {
  readonly type: 'step';
  readonly step: number;
  readonly steps: number;
  readonly epoch: number;
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly lr: number;
  /** Over this and the last few steps. */
  readonly imagesPerSecond: number;
  /** Bytes in the GPU's buffers, at most so far. */
  readonly memory: number;
  /** Seconds to the end at this pace. */
  readonly secondsLeft: number;
}

/** Means over an epoch. */
export interface Epoch {
  readonly type: 'epoch';
  readonly epoch: number;
  readonly epochs: number;
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** How similar two views of each of a few photos are: always the same photos and views. Before the first step and behind each epoch. */
export interface Similarity {
  readonly type: 'similarity';
  readonly step: number;
  /** Photos, n. */
  readonly count: number;
  /** Cosine similarities [2n, 2n], row by row: view a of all photos, then view b. */
  readonly similarity: Float32Array;
  /** Means over pairs of views of one photo, and over all other pairs. */
  readonly positives: number;
  readonly negatives: number;
}

/** Those views as pictures; once a training, and again where it is made anew: longer, or on another device. */
export interface Pairs {
  readonly type: 'pairs';
  readonly count: number;
  /** Height and width in pixels. */
  readonly size: number;
  /** RGBA [2n, size, size, 4], in the order of `similarity`: a picture is `new ImageData(rgba.subarray(…), size, size)`. */
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** The training ended, or was stopped; what it learnt is there for `search`, `map`, `features`, `save`. */
export interface Finished {
  readonly type: 'finished';
  readonly step: number;
  readonly steps: number;
  /** It was stopped before its end: `continue` goes on. */
  readonly interrupted: boolean;
  readonly loss: number | undefined;
  /** Seconds that it took, since `train` or `continue`. */
  readonly seconds: number;
}

export interface Loaded {
  readonly type: 'loaded';
  readonly name: string;
  /** For people: `resnet18 of width 0.25`. */
  readonly encoder: string;
  readonly imageSize: number;
  /** The photos that are open were decoded anew, to its image size; undefined where none are. */
  readonly opened: Opened | undefined;
}

export interface Neighbour {
  readonly photo: number;
  /** Of the features, by cosine: −1 to 1. */
  readonly similarity: number;
}

export interface Neighbours {
  readonly type: 'neighbours';
  readonly query: Query;
  /** Most similar first; a photo that is the query itself is not among them. */
  readonly neighbours: readonly Neighbour[];
}

/** While photos are embedded there are no positions yet; then the layout takes shape. */
export interface MapProgress {
  readonly type: 'map-progress';
  readonly done: number;
  readonly total: number;
  /** As in `map`; of `tsne`. */
  readonly positions?: Float32Array;
}

export interface PhotoMap {
  readonly type: 'map';
  readonly layout: MapLayout;
  /** x and y of each photo, [count, 2], within −1 to 1. */
  readonly positions: Float32Array;
  /** It was stopped before its end. */
  readonly interrupted: boolean;
}

/** What a file is saved as. */
export interface FileContent {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Why a request failed, or the device. */
export interface WorkerError {
  readonly type: 'error';
  /**
   * - `no-webgpu`: this browser has no WebGPU, or no adapter, or one whose limits are too small;
   * - `memory`: the GPU has not the memory for it; less may do;
   * - `device-lost`: the GPU is gone; the next request opens it anew. See `kept`;
   * - `input`: what was asked for cannot be done so;
   * - `fault`: a mistake of this program.
   */
  readonly kind: 'no-webgpu' | 'memory' | 'device-lost' | 'input' | 'fault';
  /** One line: what was wrong, and what to do. */
  readonly message: string;
  /** The request that it ends; undefined where it ends none. */
  readonly during: RequestType | undefined;
  /** Where the device was lost: what is left of the training. `continue` goes on there, `save`, `search`, `map` and `features` have it too. */
  readonly kept?: { readonly step: number; readonly steps: number };
}

export type FromWorker =
  | DeviceFacts
  | { readonly type: 'decoding'; readonly done: number; readonly total: number }
  | Opened
  | Planned
  | { readonly type: 'compiling'; readonly done: number; readonly total: number }
  | Ready
  | Step
  | Epoch
  | Similarity
  | Pairs
  | { readonly type: 'warning'; readonly message: string }
  | Finished
  | Loaded
  | ({ readonly type: 'weights' } & FileContent)
  | Neighbours
  | MapProgress
  | PhotoMap
  /** A table in CSV: `file` and the features `f0`, `f1`, …, a row for each photo, as `simclr embed` writes it. */
  | ({ readonly type: 'features' } & FileContent)
  | WorkerError;
