/** Numbers and sentences of the report. */

import { stepsPerEpoch } from '../data/order.ts';
import { decimal } from '../report/numbers.ts';
import type { TrainSettings } from '../train/settings.ts';
import {
  type Findings,
  type LabelledRun,
  type LinearProbe,
  type ModelName,
  probedEncoders,
  type Statistic,
  statistic,
  type TableRow,
} from './experiment_results.ts';
import { modelTitles } from './figures.ts';
import { published } from './report_published.ts';

const plusMinus = ({ mean, deviation }: Statistic, digits: number, scale = 1): string =>
  decimal(scale * mean, digits) + (deviation === null ? '' : ` ± ${decimal(scale * deviation, digits)}`);

/** A number with its sign; what rounds to zero has none. */
function signed(value: Statistic, digits: number, scale = 1): string {
  const text = plusMinus(value, digits, scale);
  return Number.parseFloat(text) > 0 ? `+${text}` : text;
}

export const loss = (value: Statistic): string => plusMinus(value, 4);
export const percent = (value: Statistic): string => plusMinus(value, 2, 100);
export const points = (value: Statistic): string => signed(value, 2, 100);
const one = (mean: number): Statistic => ({ mean, deviation: null });

export const tableHead = [
  'model',
  'train loss',
  'train accuracy / %',
  'test loss',
  'test accuracy / %',
  'test loss − baseline',
  'test accuracy − baseline / points',
  'best test accuracy / % (epoch)',
] as const;

/** Two rows for a model: this experiment's numbers, and the published ones where there are some. */
export function tableRows(table: readonly TableRow[]): string[][] {
  return table.flatMap((row) => {
    const ours = [
      modelTitles[row.model],
      loss(row.trainLoss),
      percent(row.trainAccuracy),
      loss(row.testLoss),
      percent(row.testAccuracy),
      row.model === 'baseline' ? '' : signed(row.testLossDifference, 4),
      row.model === 'baseline' ? '' : points(row.testAccuracyDifference),
      `${percent(row.bestTestAccuracy)} (${row.bestEpochs.join(', ')})`,
    ];
    const theirs = publishedRow(row.model);
    return theirs ? [ours, theirs] : [ours];
  });
}

function publishedRow(model: ModelName): string[] | undefined {
  const [row, baseline] = [published[model], published.baseline];
  if (!row || !baseline) return undefined;
  return [
    '– published',
    loss(one(row.trainLoss)),
    percent(one(row.trainAccuracy)),
    loss(one(row.testLoss)),
    percent(one(row.testAccuracy)),
    model === 'baseline' ? '' : signed(one(row.testLoss - baseline.testLoss), 4),
    model === 'baseline' ? '' : points(one(row.testAccuracy - baseline.testAccuracy)),
    '',
  ];
}

/** What the numbers say about the published claim, and about what pre-training is worth. */
export function verdict(table: readonly TableRow[], found: Findings): string[] {
  const accuracy = (model: ModelName) => percent(table.find((row) => row.model === model)!.testAccuracy);
  const order = found.order.map((model) => `${model} ${accuracy(model)} %`).join(', then ');
  const gap = `transfer − frozen ${points(found.transferOverFrozen)} points, frozen − baseline ${points(found.frozenOverBaseline)} points`;
  const worth = points(found.pretrainedOverRandom);
  return [
    found.asPublished
      ? `The published order holds: transfer > frozen > baseline (${order}; ${gap}).`
      : `The published order, transfer > frozen > baseline, does not hold here: best is ${order} (${gap}).`,
    `A linear probe of the pre-trained encoder reaches ${percent(found.probePretrained)} % of the test images, of a random encoder ${percent(found.probeRandom)} %: pre-training is worth ${worth} points.`,
  ];
}

export const probeHead = [
  'linear probe of',
  'λ',
  'train loss',
  'train accuracy / %',
  'test loss',
  'test accuracy / %',
] as const;

const probeTitles = { pretrained: 'the pre-trained encoder', random: 'a random encoder' } as const;

/** A row for each encoder, over all runs. */
export function probeRows(runs: readonly LabelledRun[]): string[][] {
  return probedEncoders.map((name) => {
    const over = (value: (probe: LinearProbe) => number) => statistic(runs.map(({ probes }) => value(probes[name])));
    return [
      probeTitles[name],
      [...new Set(runs.map(({ probes }) => probes[name].lambda))].join(', '),
      loss(over(({ train }) => train.loss)),
      percent(over(({ train }) => train.accuracy)),
      loss(over(({ test }) => test.loss)),
      percent(over(({ test }) => test.accuracy)),
    ];
  });
}

/** `6 runs: 2 seeds × 3 folds`; `2 runs` where only one of them is several. */
export function runCount(runs: readonly Pick<LabelledRun, 'seed' | 'fold'>[]): string {
  const [seeds, folds] = [new Set(runs.map(({ seed }) => seed)).size, new Set(runs.map(({ fold }) => fold)).size];
  return `${runs.length} runs${seeds > 1 && folds > 1 ? `: ${seeds} seeds × ${folds} folds` : ''}`;
}

/** `10 epochs`; `375 steps (4.2 epochs)` where `steps` ends it before the last epoch does. */
export function scheduled(
  { epochs, steps, batchSize }: Pick<TrainSettings, 'epochs' | 'steps' | 'batchSize'>,
  images: number,
): string {
  const perEpoch = stepsPerEpoch(images, batchSize);
  return steps > 0 && steps < epochs * perEpoch ? stepsAndEpochs(steps, perEpoch) : epochCount(epochs);
}

/** `375 steps (4.2 epochs)`; without the epochs where the steps of one are not known. */
export function stepsAndEpochs(steps: number, perEpoch?: number): string {
  const text = `${steps} step${steps === 1 ? '' : 's'}`;
  if (!perEpoch) return text;
  return `${text} (${epochCount(Number((steps / perEpoch).toFixed(1)))})`;
}

/** `1 epoch`, `1.5 epochs`. */
export const epochCount = (epochs: number): string => `${epochs} epoch${epochs === 1 ? '' : 's'}`;

/** 4000 → `1 h 7 min`. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60
    ? `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
