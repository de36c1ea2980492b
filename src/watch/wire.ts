/** What the server of a dashboard and its page tell each other: nothing here is of Node or of a browser. */

export type Status =
  /** A process trains in the folder. */
  | 'running'
  /** It has come to its end. */
  | 'finished'
  /** It was asked to stop, and saved what it had. */
  | 'interrupted'
  /** Its process ended without saving: a fault, or it was killed. */
  | 'failed'
  /** It is trained on another machine, of whose processes nothing is known, and has written nothing for minutes. */
  | 'silent'
  /** Nothing was logged yet. */
  | 'new';

export type SettingValue = string | number | boolean | null;

/** What a training warns of: see `TrainWarning`. */
export interface Warning {
  readonly kind: string;
  readonly step: number;
  readonly message: string;
  readonly remedy: string;
}

/** Pictures of one kind, a file for each step at which it was drawn. */
export interface FigureKind {
  readonly name: string;
  readonly stages: readonly { readonly step: number; readonly file: string; readonly version: string }[];
}

/** What is known of a number by its name. */
export interface NumberFacts {
  readonly format?: 'percent' | 'number';
  /** What it is, and what to expect of it, in a line. */
  readonly note?: string;
  /** A line in its chart: what guessing gives, or a healthy training. */
  readonly reference?: { readonly value: number; readonly text: string };
}

/** A run, in what is short enough to be told whenever anything of it changes. */
export interface RunSummary {
  readonly id: string;
  /** Its path below the folder that is watched. */
  readonly name: string;
  readonly path: string;
  /** `simclr`, or `supervised baseline`. */
  readonly method: string;
  readonly started: string | null;
  readonly adapter: string | null;
  readonly status: Status;
  /** When its last line was written, in milliseconds since 1970; null: none was. */
  readonly lastLine: number | null;
  readonly step: number;
  readonly steps: number | null;
  /** Passes over the data, of which the last may be under way. */
  readonly epoch: number | null;
  readonly epochs: number | null;
  /** Newest value of each number that was logged. */
  readonly latest: Readonly<Record<string, number>>;
  /** Best kNN accuracy so far. */
  readonly bestKnn: number | null;
  /** What the method says of its numbers, and what they are to be compared with. */
  readonly legend: Readonly<Record<string, NumberFacts>>;
  readonly warnings: readonly Warning[];
  readonly figures: readonly FigureKind[];
  readonly settings: Readonly<Record<string, SettingValue>>;
  /** Changes with every line: series that were fetched before are old. */
  readonly seriesVersion: string;
  /** What could not be read. */
  readonly problem: string | null;
}

export type ReportKind = 'comparison' | 'experiment';

/** The report of a comparison or an experiment. */
export interface ReportSummary {
  readonly id: string;
  /** As of a run. */
  readonly name: string;
  readonly kind: ReportKind;
  /** Changes when it is written again; empty: there is none yet. */
  readonly version: string;
}

export interface RunList {
  readonly runs: readonly RunSummary[];
  readonly reports: readonly ReportSummary[];
  /** The folders that are watched, as they were given. */
  readonly roots: readonly string[];
  /** Files are still being read for the first time. */
  readonly loading: boolean;
}

export const axes = ['step', 'epoch', 'time'] as const;
export type Axis = (typeof axes)[number];

/** Values of one number. Each point stands for `size` lines or fewer; without `min` and `max` for one. */
export interface Series {
  readonly x: readonly number[];
  readonly mean: readonly number[];
  readonly min?: readonly number[];
  readonly max?: readonly number[];
  readonly size: number;
}

/** All numbers of a run by their names. */
export type SeriesOfRun = Readonly<Record<string, Series>>;
