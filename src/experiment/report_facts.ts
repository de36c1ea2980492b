/** Facts about an experiment for its report: settings, steps done, digests, throughput and time. */

import { stepsPerEpoch } from '../data/order.ts';
import type { Block } from '../report/document.ts';
import type { ExperimentNumbers } from './experiment.ts';
import { type LabelledRun, type ModelResult, modelNames, statistic } from './experiment_results.ts';
import type { ExperimentConfig } from './experiment_settings.ts';
import { duration, stepsAndEpochs } from './report_text.ts';

type Facts = ExperimentNumbers & { readonly config: ExperimentConfig };

export const heading = (text: string): Block => ({ kind: 'heading', text });
export const paragraph = (text: string): Block => ({ kind: 'text', text });

/** The settings, and how much was trained with them. */
export function settingsBlocks(results: Facts): Block[] {
  const { config } = results;
  const { seed: _, ...pretrain } = config.pretrain;
  const { seed: __, ...supervised } = config.supervised;
  const names = [...new Set([...Object.keys(pretrain), ...Object.keys(supervised)])];
  const cell = (settings: object, name: string) => String((settings as Record<string, unknown>)[name] ?? '');
  return [
    heading('Settings'),
    paragraph(
      `Seeds: ${config.seeds.join(', ')}. Labelled stages on ${config.folds === null ? 'the whole training split' : `folds ${config.folds.join(', ')} of the training split`}. Encoder: ${config.checkpoint === null ? 'pre-trained here' : `taken from ${config.checkpoint}`}.`,
    ),
    {
      kind: 'table',
      head: ['setting', 'pre-training', 'labelled stages'],
      rows: names.map((name) => [name, cell(pretrain, name), cell(supervised, name)]),
    },
    paragraph(stepsDone(results)),
  ];
}

/** Says how long the trainings really were, which `steps` may have cut short. */
function stepsDone({ config, pretraining, runs }: Facts): string {
  const { pretrain, images } = config;
  const perEpoch = config.checkpoint === null ? stepsPerEpoch(images.pretrain, pretrain.batchSize) : undefined;
  const distinct = (texts: readonly string[]) => [...new Set(texts)].join(', ');
  const models = runs.flatMap((run) => Object.values(run.models));
  const before = distinct(pretraining.map(({ steps }) => stepsAndEpochs(steps, perEpoch)));
  const labelled = distinct(models.map((model) => stepsAndEpochs(epochSteps(model), model.stepsPerEpoch)));
  return `Done: pre-training ${before}; each model ${labelled}.`;
}

const epochSteps = ({ epochs, stepsPerEpoch }: ModelResult): number => epochs.length * stepsPerEpoch;

/** Digests of the frozen encoder's weights before and after, of each seed. */
export function frozenDigests(runs: readonly LabelledRun[]): string {
  const short = (digest: string) => digest.slice(0, 12);
  const parts = runs.map(({ seed, models }) => {
    const { before, after } = models.frozen.encoder;
    const one = `${short(before.weights)} before, ${short(after.weights)} after`;
    return new Set(runs.map((run) => run.seed)).size > 1 ? `seed ${seed}: ${one}` : one;
  });
  return `Weights of the frozen encoder, SHA-256: ${[...new Set(parts)].join('; ')}.`;
}

/** Throughput and wall time of every stage. */
export function timeBlocks({ pretraining, runs }: ExperimentNumbers): Block[] {
  const mean = (values: readonly number[]) => {
    const known = values.filter((value) => Number.isFinite(value));
    return known.length > 0 ? statistic(known).mean.toFixed(1) : '–';
  };
  const trained = pretraining.filter(({ seconds }) => seconds > 0);
  const rows = trained.map(({ seed, epochs, steps, seconds, wallSeconds }) => [
    `pre-training, seed ${seed}`,
    String(epochs.length),
    String(steps),
    '',
    mean(epochs.map(({ imagesPerSecond }) => imagesPerSecond)),
    duration(seconds),
    wallSeconds === undefined ? '–' : duration(wallSeconds),
  ]);
  for (const { seed, fold, models } of runs) {
    for (const model of modelNames) {
      const { epochs, trained: numbers, parameters, wallSeconds } = models[model];
      rows.push([
        `${model}, seed ${seed}${fold === null ? '' : `, fold ${fold}`}`,
        String(epochs.length),
        String(epochSteps(models[model])),
        `${numbers.toLocaleString('en-US')} of ${parameters.toLocaleString('en-US')}`,
        mean(epochs.map(({ imagesPerSecond }) => imagesPerSecond)),
        '',
        duration(wallSeconds),
      ]);
    }
  }
  return [
    heading('Throughput and time'),
    {
      kind: 'table',
      head: ['stage', 'epochs', 'steps', 'trained parameters', 'images / s', 'in steps', 'wall time'],
      rows,
      note: 'Images a second in training. A frozen encoder whose features do not change is run once: its head trains on rows of features. In steps: the time of the training steps of pre-training. Wall time: all, compiling, testing and figures included, of all calls that worked on the stage.',
    },
  ];
}
