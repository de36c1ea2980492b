/** The options of `simclr eval zero-shot` and `simclr eval search`, which ask in words. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { TrainSplit } from '../data/dataset.ts';
import { fewFound } from '../eval/search.ts';
import { defaultPrompts } from '../eval/zero_shot.ts';
import { countFrom, evalCommandNamed } from './eval_options.ts';

const ofCaptions = 'of a run that has learnt from captions (--method clip)';

export interface ZeroShotFlags {
  readonly prompts?: string[];
  readonly classes?: string[];
}

export const zeroShotCommand = (): Command =>
  evalCommandNamed('zero-shot', `classes told by their names alone, by the text network ${ofCaptions}`)
    .option(
      '--prompts <text>',
      `a sentence with {} where the class is named; repeatable, their embeddings are averaged (default: ${defaultPrompts.map((prompt) => `"${prompt}"`).join(', ')})`,
      promptAnd,
    )
    .option(
      '--classes <names>',
      'what the classes are called in sentences, in the order of their folders, with commas between (default: the folders’ names)',
      namesFrom,
    );

function promptAnd(text: string, before: readonly string[] = []): string[] {
  if (text.includes('{}')) return [...before, text];
  throw new InvalidArgumentError('Give a sentence with {} where the class is named.');
}

function namesFrom(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.every((name) => name !== '')) return names;
  throw new InvalidArgumentError('A name is empty.');
}

export interface SearchFlags {
  readonly text: string[];
  readonly top?: number;
  readonly split: TrainSplit;
}

export const searchCommand = (): Command =>
  evalCommandNamed('search', `photos found by a sentence, by the text network ${ofCaptions}`, {
    data: 'a folder of photos, or STL-10’s binary files',
  })
    .requiredOption('--text <text>', 'what to look for; repeatable', (text: string, before: readonly string[] = []) => [
      ...before,
      text,
    ])
    .option('--top <number>', `photos for each text (default: up to ${fewFound})`, countFrom(1))
    .addOption(
      new Option('--split <name>', 'which images of STL-10’s files')
        .choices(['train', 'unlabeled', 'train+unlabeled'])
        .default('train'),
    );
