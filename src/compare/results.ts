/** What a comparison found: all numbers of its report. */
import { join } from 'node:path';
import { z } from 'zod';
import { meanAndDeviation, type Statistic } from '../analysis/probe.ts';
import type { MajorityBaseline } from '../analysis/recognition.ts';
import { statistic } from '../experiment/experiment_results.ts';
import { checked, measured } from '../io/checked.ts';
import type { ImageFacts, Learner } from '../ssl/method.ts';
import { learnerOf } from '../train/learner.ts';
import { RunFolder } from '../train/run_folder.ts';
import type { TrainSettings } from '../train/settings.ts';
import type { ComparisonConfig } from './config.ts';
import type { Measures } from './measure.ts';

/** A number that a method logs of what it is trained to do. */
export interface Score {
  /** As in the line of an epoch: `acc`. */
  readonly label: string;
  readonly value: number;
  readonly format: 'percent' | 'number';
  /** What guessing gives, where that is known. */
  readonly chance?: number;
}

/** A training, as its run's folder tells of it. */
export interface Trained {
  readonly settings: TrainSettings;
  readonly steps: number;
  /** Means over epochs, and nearest neighbours where they were looked at; before training at step 0. */
  readonly curve: readonly { readonly step: number; readonly loss?: number; readonly knn?: number }[];
  /** What guessing gives. */
  readonly chance?: number;
  /** The numbers that the method logs of its own task, of the last epoch. */
  readonly scores: readonly Score[];
  /** The last figures of pictures, files in the run's folder. */
  readonly pictures: readonly string[];
  /** Of the embeddings z, as a share of what is healthy: below 0.1 they have collapsed. Methods without such a measure have none. */
  readonly embeddingSpread?: number;
  readonly imagesPerSecond: number;
  /** Bytes in GPU buffers, at most. */
  readonly memory: number;
  /** Compiling, probes and figures included. */
  readonly seconds: number;
  /** What was warned of, with the step. */
  readonly warnings: readonly { readonly step: number; readonly kind: string; readonly message: string }[];
}

/** One seed of a row. */
export interface RunResult {
  readonly seed: number;
  /** Relative to the comparison's folder. */
  readonly folder: string;
  readonly trained?: Trained;
  readonly measures?: Measures;
  /** Why there is nothing. */
  readonly failed?: string;
}

export interface RowResult {
  readonly label: string;
  /** No training: an encoder with its first weights. */
  readonly untrained: boolean;
  /** Of a training: the label of the row of its encoder with its first weights. */
  readonly startsFrom?: string;
  readonly runs: readonly RunResult[];
}

/** What `results.json` holds. */
export interface Results {
  readonly version: 1;
  readonly description: string;
  readonly config: ComparisonConfig;
  readonly rows: readonly RowResult[];
  /** Where there are labels. */
  readonly labelled?: {
    readonly train: number;
    readonly test: number;
    readonly few: number;
    readonly classNames: readonly string[];
    readonly majority: MajorityBaseline;
    readonly balanced: boolean;
  };
  /** How many images the measures without labels are of. */
  readonly images: number;
  /** Classes of the points of the maps; none where there are no labels. */
  readonly mapLabels: readonly number[];
  /** Trainings that are still to come, where it goes on. */
  readonly remaining?: number;
}

/** The numbers of an epoch that are read from a record of its run. */
const epochRecord = z.looseObject({
  step: z.number().int(),
  loss: measured(),
  chance: z.number().optional(),
  imagesPerSecond: measured(),
  memory: z.number(),
  knn: z.number().optional(),
});
const probeRecord = z.object({ knn: z.number() });
const warningRecord = z.object({ step: z.number(), kind: z.string(), message: z.string() });

/** Reads a run that has ended. UserError: its record is damaged. */
export function readTrained(path: string, settings: TrainSettings, images: ImageFacts, seconds: number): Trained {
  const folder = new RunFolder(path);
  const of = <T extends z.ZodType>(type: string, schema: T): z.infer<T>[] =>
    folder
      .records()
      .filter((record) => record.type === type)
      .map((record) =>
        checked(schema, record, {
          source: `${folder.file('metrics.jsonl')}: record of step ${record.step}`,
          remedy: 'restore the file',
        }),
      );
  const epochs = of('epoch', epochRecord);
  const last = epochs.at(-1);
  const timed = epochs.filter(({ imagesPerSecond }) => imagesPerSecond > 0);
  const learner = learnerOf(settings, images);
  const embeddingSpread = last && spreadIn(learner, last);
  return {
    settings,
    steps: folder.checkpointSteps().at(-1) ?? 0,
    curve: [
      ...of('probe', probeRecord).map(({ knn }) => ({ step: 0, knn })),
      ...epochs.map(({ step, loss, knn }) => ({ step, loss, ...(knn !== undefined && { knn }) })),
    ],
    ...(last?.chance !== undefined && { chance: last.chance }),
    ...(embeddingSpread !== undefined && { embeddingSpread }),
    scores: last ? scoresIn(learner, last) : [],
    pictures: lastPictures(folder, learner),
    imagesPerSecond: meanAndDeviation(timed.map(({ imagesPerSecond }) => imagesPerSecond)).mean,
    memory: Math.max(0, ...epochs.map(({ memory }) => memory)),
    seconds,
    warnings: of('warning', warningRecord),
  };
}

/** The method's own measure of spread over its value in a healthy training. */
function spreadIn({ metrics = {} }: Learner, record: Readonly<Record<string, unknown>>): number | undefined {
  for (const [name, { healthy }] of Object.entries(metrics)) {
    const value = record[name];
    if (healthy && typeof value === 'number') return value / healthy.value;
  }
  return undefined;
}

/** What the method logs beside its loss, but for measures of collapse, which have a column of their own. */
const scoresIn = ({ metrics = {}, chance }: Learner, record: Readonly<Record<string, unknown>>): Score[] =>
  Object.entries(metrics).flatMap(([name, { label, format, healthy, guess }]) => {
    const value = record[name];
    if (healthy || typeof value !== 'number') return [];
    const guessed = guess ?? (name === 'accuracy' ? chance?.accuracy : undefined);
    return [{ label, value, format, ...(guessed !== undefined && { chance: guessed }) }];
  });

/** Of each figure of pictures the newest file, relative to the run's folder. */
function lastPictures(folder: RunFolder, { figures = [] }: Learner): string[] {
  const files = folder.figureFiles();
  return figures.flatMap((figure) => {
    const newest = figure.kind === 'pictures' && files.filter((file) => file.startsWith(`${figure.name}-step-`)).at(-1);
    return newest ? [join('figures', newest)] : [];
  });
}

/** A number of each run of a row that has it. */
export const valuesOf = ({ runs }: RowResult, of: (run: RunResult) => number | undefined): number[] =>
  runs.map(of).filter((value) => value !== undefined);

/** Mean and deviation over the seeds; undefined where no run has the number. */
export function over(row: RowResult, of: (run: RunResult) => number | undefined): Statistic | undefined {
  const values = valuesOf(row, of);
  if (values.length === 0) return undefined;
  return statistic(values);
}

export const linearOf = ({ measures }: RunResult): number | undefined => measures?.linear?.accuracy;
export const knnOf = ({ measures }: RunResult): number | undefined => measures?.knn?.accuracy;
export const finetunedOf = ({ measures }: RunResult): number | undefined => measures?.finetuned?.accuracy;

/** By how much the linear probe of a training is above that of its own encoder with its first weights; a row of its own seed each. */
export function gainOf({ rows }: Pick<Results, 'rows'>, row: RowResult): Statistic | undefined {
  const first = rows.find(({ untrained, label }) => untrained && label === row.startsFrom);
  return over(row, (run) => {
    const [after, before] = [run, first?.runs.find(({ seed }) => seed === run.seed)].map((of) => of && linearOf(of));
    return after === undefined || before === undefined ? undefined : after - before;
  });
}
