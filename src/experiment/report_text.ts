/** Numbers and sentences of the report. */

import type { Statistic } from '../analysis/probe.ts';
import { stepsPerEpoch } from '../data/order.ts';
import { counted } from '../io/counted.ts';
import { decimal, percent, percentPlusMinus, plusMinus } from '../report/numbers.ts';
import { policyTitle } from '../ssl/policies_custom.ts';
import type { TrainSettings } from '../train/settings.ts';
import {
  type Findings,
  type LabelledRun,
  type LinearProbe,
  type Majority,
  type ModelName,
  probedEncoders,
  type SimilarityStage,
  statistic,
  type TableRow,
} from './experiment_results.ts';
import { modelTitles } from './figures.ts';
import type { Published } from './report_published.ts';

/** A number with its sign; what rounds to zero has none. */
function signed(value: Statistic, digits: number, scale = 1): string {
  const text = plusMinus(value, digits, scale);
  return Number.parseFloat(text) > 0 ? `+${text}` : text;
}

export const loss = (value: Statistic): string => plusMinus(value, 4);
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

/** A row for each model: this experiment's numbers; and one of the published numbers where there are some for these images. */
export function tableRows(table: readonly TableRow[], published: Published = {}): string[][] {
  return table.flatMap((row) => {
    const ours = [
      modelTitles[row.model],
      loss(row.trainLoss),
      percentPlusMinus(row.trainAccuracy),
      loss(row.testLoss),
      percentPlusMinus(row.testAccuracy),
      row.model === 'baseline' ? '' : signed(row.testLossDifference, 4),
      row.model === 'baseline' ? '' : points(row.testAccuracyDifference),
      `${percentPlusMinus(row.bestTestAccuracy)} (${row.bestEpochs.join(', ')})`,
    ];
    const theirs = publishedRow(row.model, published);
    return theirs ? [ours, theirs] : [ours];
  });
}

function publishedRow(model: ModelName, published: Published): string[] | undefined {
  const [row, baseline] = [published[model], published.baseline];
  if (!row || !baseline) return undefined;
  return [
    '– published',
    loss(one(row.trainLoss)),
    percent(row.trainAccuracy),
    loss(one(row.testLoss)),
    percent(row.testAccuracy),
    model === 'baseline' ? '' : signed(one(row.testLoss - baseline.testLoss), 4),
    model === 'baseline' ? '' : points(one(row.testAccuracy - baseline.testAccuracy)),
    '',
  ];
}

interface Said {
  readonly table: readonly TableRow[];
  readonly findings: Findings;
  readonly majority: Majority;
}

/** What accuracies are to be compared with, and balanced ones where they differ. */
function baselineInWords({ table, majority }: Said): string {
  const always = `Always answering '${majority.class}' is right for ${percent(majority.accuracy)} % of the test images.`;
  const balanced = table.map(
    ({ model, testBalancedAccuracy: value }) => value && `${model} ${percentPlusMinus(value)} %`,
  );
  if (majority.balanced || balanced.includes(undefined)) return always;
  return `${always} The classes are unequally frequent; balanced test accuracy, the mean of the classes' own: ${balanced.join(', ')}.`;
}

/** What the numbers say about the order of the models, about the published one where it is for these images, and about pre-training. */
export function verdict({ table, findings: found, majority }: Said): string[] {
  const accuracy = (model: ModelName) => percentPlusMinus(table.find((row) => row.model === model)!.testAccuracy);
  const order = found.order.map((model) => `${model} ${accuracy(model)} %`).join(', then ');
  const gap = `transfer − frozen ${points(found.transferOverFrozen)} points, frozen − baseline ${points(found.frozenOverBaseline)} points`;
  const worth = points(found.pretrainedOverRandom);
  const sentences = {
    holds: `The published order holds: transfer > frozen > baseline (${order}; ${gap}).`,
    fails: `The published order, transfer > frozen > baseline, does not hold here: best is ${order} (${gap}).`,
    unknown: `Best on the test images is ${order} (${gap}).`,
  };
  return [
    sentences[found.asPublished === undefined ? 'unknown' : found.asPublished ? 'holds' : 'fails'],
    `A linear probe of the pre-trained encoder reaches ${percentPlusMinus(found.probePretrained)} % of the test images, of a random encoder ${percentPlusMinus(found.probeRandom)} %: pre-training is worth ${worth} points.`,
    baselineInWords({ table, findings: found, majority }),
  ];
}

/** What training draws at random for a view, from its settings. */
export function augmentationInWords(settings: TrainSettings): string {
  const { cropMin, cropMax, flip, jitter, grayscale, blur } = settings;
  const { solarize, rotate, noise, cutout, policy } = settings;
  const share = (value: number) => `${Number((100 * value).toFixed(1))} %`;
  const further = [
    ...(policy === 'none' ? [] : [`the operations of ${policyTitle(policy)}`]),
    ...Object.entries({ solarised: solarize, turned: rotate, 'made noisy': noise, 'with a square cut out': cutout })
      .filter(([, probability]) => probability > 0)
      .map(([done, probability]) => `${share(probability)} ${done}`),
  ];
  return `In training a view is a crop of ${share(cropMin)} to ${share(cropMax)} of the area; ${share(flip)} of the views are flipped, ${share(jitter)} have their colours changed, ${share(grayscale)} are made grey and ${share(blur)} blurred.${further.length > 0 ? ` Besides: ${further.join(', ')}.` : ''}`;
}

/** What became of the similarities between the first stage and the last. */
export function similarityInWords(stages: readonly SimilarityStage[]): string {
  const numbers = ({ positives, negatives }: SimilarityStage) =>
    `${decimal(positives, 3)} for the two views of an image and ${decimal(negatives, 3)} for different images`;
  const when = ({ step }: SimilarityStage) => (step === 0 ? 'before training' : `after step ${step}`);
  const [first, last] = [stages[0], stages[stages.length - 1]];
  const begin = `Mean ${when(first)}: ${numbers(first)}`;
  return first === last ? `${begin}.` : `${begin}; ${when(last)}: ${numbers(last)}.`;
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
      percentPlusMinus(over(({ train }) => train.accuracy)),
      loss(over(({ test }) => test.loss)),
      percentPlusMinus(over(({ test }) => test.accuracy)),
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
  return steps > 0 && steps < epochs * perEpoch ? stepsAndEpochs(steps, perEpoch) : counted(epochs, 'epoch');
}

/** `375 steps (4.2 epochs)`; without the epochs where the steps of one are not known. */
export function stepsAndEpochs(steps: number, perEpoch?: number): string {
  const text = counted(steps, 'step');
  if (!perEpoch) return text;
  return `${text} (${counted(Number((steps / perEpoch).toFixed(1)), 'epoch')})`;
}

/** 4000 → `1 h 7 min`. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60
    ? `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
