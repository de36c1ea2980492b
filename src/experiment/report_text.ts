/** Numbers and sentences of the report. */

import type { Findings, ModelName, Statistic, TableRow } from './experiment_results.ts';
import { modelTitles } from './figures.ts';
import { published } from './report_published.ts';

const plusMinus = ({ mean, deviation }: Statistic, digits: number, scale = 1): string =>
  (scale * mean).toFixed(digits) + (deviation === null ? '' : ` ± ${(scale * deviation).toFixed(digits)}`);

/** A number with its sign; what rounds to zero has none. */
function signed(value: Statistic, digits: number, scale = 1): string {
  const text = plusMinus(value, digits, scale);
  return Number.parseFloat(text) > 0 ? `+${text}` : text.replace(/^-(0(?:\.0+)?(?: |$))/, '$1');
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
  const worth = points(found.frozenOverRandom);
  return [
    found.asPublished
      ? `The published order holds: transfer > frozen > baseline (${order}; ${gap}).`
      : `The published order, transfer > frozen > baseline, does not hold here: best is ${order} (${gap}).`,
    `A linear head on the pre-trained frozen encoder reaches ${accuracy('frozen')} %, on a random frozen encoder ${accuracy('random')} %: pre-training is worth ${worth} points.`,
  ];
}

/** 4000 → `1 h 7 min`. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60
    ? `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
