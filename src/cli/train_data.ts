/** The options of `simclr train`, and the images, or what else its method learns from, that it is given. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Dataset, type DatasetOptions, openDataset } from '../data/dataset.ts';
import type { Progress } from '../data/images.ts';
import { openSequences, SEQUENCE_FORMATS } from '../data/open_sequences.ts';
import { openTexts } from '../data/open_texts.ts';
import { ensureSampleSet } from '../data/sample/sample.ts';
import { type DataKind, kindOf, type SampleSet } from '../data/samples.ts';
import { findStl10 } from '../data/stl10.ts';
import { TEXT_FORMATS } from '../data/text_rows.ts';
import { UserError } from '../errors.ts';
import { methodNamed } from '../methods/index.ts';
import type { Method } from '../ssl/method.ts';
import { labelsAskedBy, wantsCaptions } from '../train/learner.ts';
import type { LogKind } from '../train/metrics_logs.ts';
import { windowOf } from '../train/sequence_settings.ts';
import type { TrainSettings } from '../train/settings.ts';
import type { BudgetOptions } from './budget.ts';
import { printLeftOut, printSkipped, setsOf } from './common.ts';
import { sampleSizes } from './data.ts';
import type { DeviceOptions } from './device.ts';
import type { Terminal } from './terminal.ts';

export interface TrainOptions extends Partial<TrainSettings>, DeviceOptions, BudgetOptions {
  readonly data?: string;
  readonly exclude?: readonly string[];
  readonly captions?: string;
  readonly init?: string;
  readonly preset?: 'stl10';
  readonly out?: string;
  readonly overwrite?: boolean;
  readonly resume?: string;
  readonly dryRun?: boolean;
  readonly profile?: boolean;
  readonly log?: readonly LogKind[];
}

/** Whether a run looks at labels: to learn from them, or to follow the features. */
export const wantsLabels = (settings: TrainSettings): boolean =>
  settings.knnEvery > 0 || labelsAskedBy(settings) !== undefined;

/**
 * The captions that a run learns from: in the file that is named, or true: in one of the data folder; undefined where it needs none.
 * @throws UserError a file is named, and the method learns from none
 */
export function captionsOf(settings: TrainSettings, given?: string): string | true | undefined {
  if (wantsCaptions(settings)) return given ?? true;
  if (given === undefined) return undefined;
  throw new UserError(`--captions: --method ${settings.method} does not learn from captions; omit it`, 2);
}

/** UserError (usage): options that only images have a sense for, where the method learns from something else; or no data, of which there is no sample set. */
export function checkDataOptions(method: Method, options: TrainOptions): void {
  const kind = kindOf(method);
  if (kind === 'images') return;
  const idle = (['preset', 'init'] as const).filter((name) => options[name] !== undefined);
  if (idle.length > 0)
    throw new UserError(
      `${idle.map((name) => `--${name}`).join(', ')}: only for methods that learn from images, and ${method.name} learns from ${kind}; omit it`,
      2,
    );
  if (options.data === undefined) throw new UserError(`--data is missing: give ${dataForms[kind]}`, 2);
}

/** What `--data` is of methods that learn from something else than images. */
export const dataForms: Readonly<Record<Exclude<DataKind, 'images'>, string>> = {
  sequences: `a folder of sequences (${SEQUENCE_FORMATS}), or one such file`,
  texts: `a file of texts: ${TEXT_FORMATS}; or a folder of plain texts`,
};

/** STL-10 itself is in `data/`. */
export const hasStl10 = (): boolean => existsSync('data') && findStl10('data') !== undefined;

/** Where `--data` is not given: STL-10 in data/, or the sample set; the user is told which, and how to get the real one. */
export async function defaultData(preset: TrainOptions['preset'], terminal: Terminal): Promise<string> {
  if (preset !== 'stl10') {
    throw new UserError(
      "--data is missing: give a folder of photos or of STL-10's files, or --preset stl10 to try the sample set",
      2,
    );
  }
  if (hasStl10()) return 'data';
  terminal.line('STL-10 is not here. To get it (2.6 GB): npm run data:stl10');
  terminal.line('Training on the built-in sample set instead: drawn pictures of ten classes.');
  const folder = join('data', 'sample');
  ensureSampleSet(folder, {
    ...sampleSizes,
    onProgress: ({ done, total }) => terminal.progress('draw', done, total ?? done),
  });
  return folder;
}

/** Opens the images of a run, with labelled sets where they are wanted and there, and prints what was found. */
export async function openData(
  data: string,
  {
    split,
    imageSize,
    exclude,
    captions,
  }: Pick<TrainSettings, 'split' | 'imageSize'> & Pick<TrainOptions, 'exclude'> & Pick<DatasetOptions, 'captions'>,
  terminal: Terminal,
  labelled: boolean,
): Promise<Dataset> {
  const dataset = await openDataset(data, {
    split,
    size: imageSize,
    probe: labelled,
    exclude,
    captions,
    onProgress: ({ phase, done, total }) => terminal.progress(phase, done, total ?? done),
  });
  printData(dataset, terminal);
  return dataset;
}

/** The same of whatever the method of a run learns from. */
export async function openTrainingData(
  data: string,
  settings: TrainSettings & Pick<TrainOptions, 'exclude'> & Pick<DatasetOptions, 'captions'>,
  terminal: Terminal,
): Promise<Dataset<SampleSet>> {
  const labelled = wantsLabels(settings);
  const kind = kindOf(methodNamed(settings.method));
  if (kind === 'images') return openData(data, settings, terminal, labelled);
  const options = {
    ...{ probe: labelled, exclude: settings.exclude },
    onProgress: ({ phase, done, total }: Progress) => terminal.progress(phase, done, total ?? done),
  };
  const dataset =
    kind === 'texts'
      ? await openTexts(data, options)
      : await openSequences(data, { ...options, window: windowOf(settings) });
  printData(dataset, terminal);
  return dataset;
}

function printData(dataset: Dataset<SampleSet>, terminal: Terminal): void {
  terminal.line(`data       ${dataset.description}`);
  printLeftOut(dataset, terminal);
  printSkipped(setsOf(dataset), terminal);
}
