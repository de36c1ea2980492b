/** An experiment whose trainings take seconds, in the library and by flags: what the fast and the long tests of one share. */
import { linkSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ExperimentNumbers } from '../../src/experiment/experiment.ts';
import { type ExperimentConfig, planExperiment } from '../../src/experiment/experiment_settings.ts';
import { adapters } from '../ops/harness.ts';

export const images = { train: 20, test: 10, unlabeled: 16 };

export const given = {
  pretrain: {
    width: 0.25,
    imageSize: 16,
    batchSize: 4,
    epochs: 2,
    knnEvery: 0,
    knnImages: 500,
    figureEvery: 1,
    checkpointEvery: 2,
  },
  supervised: { epochs: 2, batchSize: 10, checkpointEvery: 2 },
} as const;

/** What an experiment on these images keeps of its settings. */
export const configOf = (data: string): ExperimentConfig => ({
  ...{ version: 1, data, ...planExperiment(given, { software: false }), adapter: '', started: '' },
  images: { pretrain: 16, train: 20, test: 10 },
});

/** The command line of the same. */
export const flagsOf = (data: string): string[] => [
  ...['experiment', '--data', data, '--adapter', adapters[0] ?? 'none'],
  ...[
    '--width',
    '0.25',
    '--image-size',
    '16',
    '--batch-size',
    '4',
    '--epochs',
    '2',
    '--knn-every',
    '0',
    '--knn-images',
    '500',
    '--figure-every',
    '1',
  ],
  ...['--supervised-epochs', '2', '--supervised-batch-size', '10'],
  ...['--checkpoint-every', '2', '--supervised-checkpoint-every', '2'],
];

/** A folder with the files of another, which are not copied: what is replaced in one has no effect on the other. */
export function linkFolder(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkFolder(source, target);
    else linkSync(source, target);
  }
}

/** Numbers without how long they took and where they lie. */
export const timeless = (numbers: unknown): unknown =>
  JSON.parse(
    JSON.stringify(numbers, (key, value) =>
      /seconds$|imagesPerSecond|checkpoint|started/i.test(key) ? undefined : value,
    ),
  );

export const lasting = ({ pretraining, runs }: ExperimentNumbers): unknown => timeless({ pretraining, runs });
