/** What the page knows, and the parts that its views share. */
import type { DeviceFacts, Finished, Opened, Photo, Ready, RequestType, Step, WorkerError } from '../protocol.ts';
import type { Client } from './client.ts';
import type { Store } from './store.ts';
import type { Thumbnails } from './thumbnails.ts';

/** Photos that the worker has: place i of `names` is photo i everywhere. */
export interface OpenPhotos {
  readonly photos: readonly Photo[];
  /** What was opened, files that cannot be read among it: they are opened again for another image size. */
  readonly asked: readonly Photo[];
  readonly imageSize: number;
  readonly skipped: Opened['skipped'];
  readonly thumbnails: Thumbnails;
}

/** Something under way that the strip below the header shows. */
export interface Activity {
  readonly label: string;
  /** Share that is done, 0 to 1; undefined where that is not known. */
  readonly done?: number | undefined;
  readonly detail?: string | undefined;
  /** The word on a button that ends it. */
  readonly stop?: string | undefined;
}

export type Trouble = Omit<WorkerError, 'type' | 'during'>;
/** Where a trouble is shown: beside what it ends, or above everything. */
export type Place = 'device' | 'photos' | 'train' | 'search' | 'map' | 'weights';

/** Where a training is. */
export interface TrainingState {
  readonly phase: 'compiling' | 'running' | 'stopping' | 'ended';
  readonly ready: Ready | undefined;
  readonly step: Step | undefined;
  readonly finished: Finished | undefined;
}

export interface State {
  readonly device: DeviceFacts | undefined;
  readonly open: OpenPhotos | undefined;
  readonly training: TrainingState | undefined;
  /** What there is to search with, in words; undefined where there is nothing. */
  readonly encoder: string | undefined;
  /** A training has ended, and its weights are in no file. */
  readonly unsaved: boolean;
  /** Goes up whenever the encoder may give other features: what was found before is out of date. */
  readonly version: number;
  /** What was searched for last: the photo, if it is one of them, then those that were found. */
  readonly found: readonly number[];
  /** Requests without an answer yet, and what is said of each. */
  readonly busy: ReadonlyMap<RequestType, Activity | undefined>;
  readonly troubles: Partial<Record<Place, Trouble>>;
}

export const emptyState: State = {
  device: undefined,
  open: undefined,
  training: undefined,
  encoder: undefined,
  unsaved: false,
  version: 0,
  found: [],
  busy: new Map(),
  troubles: {},
};

/** What every view works with. */
export interface App {
  readonly store: Store<State>;
  readonly client: Client;
  /** Says something to those who listen to the page: only what matters, and seldom. */
  readonly announce: (text: string) => void;
  /** Searches with a photo or a picture, and shows what is found. */
  readonly search: (query: number | File) => void;
}

/** Whether a training goes on. */
export const isTraining = ({ training }: State): boolean => training !== undefined && training.phase !== 'ended';
/** Whether the worker would refuse what changes the photos or the encoder. */
export const isBusy = ({ busy }: State): boolean => changing.some((type) => busy.has(type));
const changing = ['open', 'train', 'continue', 'load'] as const;
