/** The options of `simclr eval zero-shot`, `search` and `similarity`, which are of words. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { TrainSplit } from '../data/dataset.ts';
import { SCORED_PAIRS } from '../data/scored_pairs.ts';
import { fewFound } from '../eval/search.ts';
import { defaultPrompts } from '../eval/zero_shot.ts';
import { countFrom, evalCommandNamed } from './eval_options.ts';
import { dataForms } from './train_data.ts';

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
  evalCommandNamed(
    'search',
    `photos found by a sentence, by the text network ${ofCaptions}; or texts, by an encoder of texts`,
    {
      data: `a folder of photos, or STL-10’s binary files; for an encoder of texts ${dataForms.texts}`,
    },
  )
    .requiredOption('--text <text>', 'what to look for; repeatable', (text: string, before: readonly string[] = []) => [
      ...before,
      text,
    ])
    .option('--top <number>', `photos, or texts, for each text (default: up to ${fewFound})`, countFrom(1))
    .addOption(
      new Option('--split <name>', 'which images of STL-10’s files')
        .choices(['train', 'unlabeled', 'train+unlabeled'])
        .default('train'),
    );

export const similarityCommand = (): Command =>
  evalCommandNamed(
    'similarity',
    'whether texts that people find similar have similar embeddings: correlation of cosines and scores, by an encoder of texts',
    { data: `pairs with scores: ${SCORED_PAIRS}` },
  );
