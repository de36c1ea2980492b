/** Sets of what runs learn from, whatever it is. */

/** What a method learns from: images, sequences such as sound and other series of numbers, or texts. */
export const dataKinds = ['images', 'sequences', 'texts'] as const;
/** What a method learns from. */
export type DataKind = (typeof dataKinds)[number];

/** One of them, in messages. */
export const nounOf: Readonly<Record<DataKind, string>> = {
  ...{ images: 'image', sequences: 'sequence', texts: 'text' },
};

/** What a data set was found to be. */
export type DatasetKind = 'stl10' | 'photos' | Exclude<DataKind, 'images'>;

/** A file that was left out, and why, in a few words. */
export interface Skipped {
  readonly file: string;
  readonly reason: string;
}

/** A set of anything that has a number and perhaps a label: what a run has to know of its data. */
export interface SampleSet {
  /** What they are; images where nothing is said. */
  readonly data?: DataKind;
  /** For messages: the folder or file. */
  readonly name: string;
  readonly count: number;
  /** How many of them each process has, where every one has a folder of its own: see `unite`. */
  readonly parts?: readonly number[] | undefined;
  /** Class of every one, from 0; absent when they are unlabelled. */
  readonly labels?: Uint8Array | Uint16Array;
  readonly classNames?: readonly string[];
  /** Path of each, relative to `name`, where they are files. */
  readonly files?: readonly string[];
  readonly skipped: readonly Skipped[];
  /** Gives back what reading holds open; reading afterwards is an error. */
  close?(): void;
}

export const kindOf = ({ data = 'images' }: Pick<SampleSet, 'data'>): DataKind => data;
