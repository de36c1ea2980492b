/** What people do with an encoder, as commands that can be pasted. */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Dataset } from '../data/dataset.ts';
import { isImageSet } from '../data/images.ts';
import type { SampleSet } from '../data/samples.ts';
import { hasClasses } from '../data/scan.ts';
import { findStl10, hasPart } from '../data/stl10.ts';
import { isTextSet } from '../data/texts.ts';
import type { TrainSettings } from '../train/settings.ts';
import { commandWords } from './common.ts';
import type { Terminal } from './terminal.ts';

/** What an encoder was trained on. */
export interface TrainedOn {
  readonly dataset: Dataset<SampleSet>;
  /** Its folder. */
  readonly data: string;
  /** Globs of what was left out of it. */
  readonly exclude?: readonly string[] | undefined;
  readonly split: TrainSettings['split'];
}

/**
 * Prints the commands that follow a training.
 * @param checkpoint what to give them as `--checkpoint`
 */
export function printNextSteps(terminal: Terminal, checkpoint: string, on: TrainedOn): void {
  terminal.line('next:');
  for (const step of nextSteps(checkpoint, on)) terminal.command('  ', commandWords(...step));
}

/** The arguments of those commands; a probe where there are labels for it. */
export function nextSteps(checkpoint: string, { dataset, data, exclude = [], split }: TrainedOn): string[][] {
  const encoder = ['--checkpoint', checkpoint];
  const both = [...encoder, '--data', shortPath(data), ...exclude.flatMap((glob) => ['--exclude', glob])];
  const { train } = dataset;
  if (!isImageSet(train))
    return [
      ['embed', ...both],
      ...(isTextSet(train) ? [['eval', 'search', ...both, '--text', train.texts[0][0]]] : []),
      ...(dataset.probe ? [['eval', 'linear', ...both]] : []),
    ];
  const { captions } = train;
  const labelled = isLabelled({ ...dataset, train }, data, split);
  // Each command looks into the part of the data set that it takes for the usual one.
  const embedded = split === 'unlabeled' ? [] : ['--split', split];
  const searched = labelled || !hasUnlabelledPart(data) || split !== 'unlabeled' ? [] : ['--split', split];
  return [
    ['embed', ...both, ...embedded],
    ['eval', 'neighbors', ...both, ...searched],
    ...(captions ? [['eval', 'search', ...both, ...embedded, '--text', captions[0][0]]] : []),
    ...(captions && labelled ? [['eval', 'zero-shot', ...both]] : []),
    ...(labelled ? [['eval', 'linear', ...both]] : []),
    ['export', ...encoder],
  ];
}

/** Whether there are labels for a probe, be it that the training did without. */
function isLabelled(
  { probe, train }: Pick<Dataset<SampleSet>, 'probe' | 'train'>,
  data: string,
  split: TrainedOn['split'],
): boolean {
  if (probe || train.labels) return true;
  if (train.files && (split === 'train' || !hasUnlabelledPart(data)) && hasClasses(train.files)) return true;
  const stl10 = findStl10(data);
  return stl10 !== undefined && hasPart(stl10, 'train') && hasPart(stl10, 'test');
}

const hasUnlabelledPart = (data: string): boolean =>
  findStl10(data) !== undefined || ['unlabeled', 'unlabelled'].some((name) => existsSync(join(data, name)));

/** A path as people type it: from here, unless it is elsewhere. */
function shortPath(path: string): string {
  const below = relative('', path);
  return below === '' ? '.' : below.startsWith('..') ? path : below;
}
