/** The figures of a report, from the numbers of an experiment. */

import { counted } from '../io/counted.ts';
import { decimal } from '../report/numbers.ts';
import { barChart, type Chart, lineChart, type Point } from '../report/plot.ts';
import { type ImageRow, imageRows } from '../report/plot_images.ts';
import { matrices } from '../report/plot_matrix.ts';
import {
  type LabelledRun,
  type Majority,
  type ModelEpoch,
  type ModelName,
  modelNames,
  type PretrainingResult,
  type SimilarityStage,
  statistic,
  type TableRow,
} from './experiment_results.ts';
import type { AugmentationStep } from './figures_augmentations.ts';
import type { LossExample } from './figures_loss.ts';
import type { Named } from './figures_views.ts';
import type { Published } from './report_published.ts';

export const modelTitles: Readonly<Record<ModelName, string>> = {
  baseline: 'baseline (from scratch)',
  frozen: 'frozen encoder, linear head',
  transfer: 'transferred, all layers trained',
  random: 'random encoder, frozen (control)',
};

export const samplesFigure = (classes: readonly Named[]): Promise<Chart> =>
  imageRows(
    'Images by class',
    classes.map(({ name, images }) => ({ label: name, tiles: images.map((pixels) => ({ pixels })) })),
  );

/** Ten parts side by side, each on all images; then the next ten. */
export function augmentationsFigure(steps: readonly AugmentationStep[]): Promise<Chart> {
  const across = 10;
  const bands = Array.from({ length: Math.ceil(steps.length / across) }, (_, band) =>
    steps.slice(band * across, (band + 1) * across),
  );
  const rows = bands.flatMap((band) =>
    band[0].images.map(
      (_, row): ImageRow => ({
        tiles: band.map(({ name, note, images }) => ({ pixels: images[row], caption: row === 0 ? [name, note] : [] })),
      }),
    ),
  );
  return imageRows('The augmentations, one by one', rows);
}

/** @param views view 1 of each image, then view 2 of each */
export function pairsFigure(views: readonly Uint8Array[]): Promise<Chart> {
  const half = views.length / 2;
  const row = (label: string, images: readonly Uint8Array[]) => ({
    label,
    tiles: images.map((pixels) => ({ pixels })),
  });
  const rows = [row('view 1', views.slice(0, half)), row('view 2', views.slice(half))];
  return imageRows(counted(half, 'pair'), rows);
}

export const lossViewsFigure = (example: LossExample, pictures: readonly Uint8Array[]): Promise<Chart> =>
  imageRows('The four views of the example', [
    { tiles: pictures.map((pixels, i) => ({ pixels, caption: [example.rows[i]] })) },
  ]);

export function lossMatricesFigure({ rows, cosines, probabilities }: LossExample): Promise<Chart> {
  const without = (matrix: readonly (readonly number[])[]) =>
    matrix.flatMap((row, i) => row.map((value, k) => (i === k ? Number.NaN : value)));
  const format = (value: number) => decimal(value, 3);
  return matrices({
    title: 'From similarities to probabilities',
    range: [-1, 1],
    scale: 'cosine similarity',
    names: rows,
    side: 280,
    matrices: [
      { title: 'cosine similarity', values: without(cosines), format },
      {
        title: 'softmax over each row',
        values: without(probabilities),
        format,
        own: { range: [0, 1], scale: 'probability' },
      },
    ],
  });
}

/** At most `most` of the stages, the first and the last among them. */
export function chosenStages(stages: readonly SimilarityStage[], most = 8): SimilarityStage[] {
  if (stages.length <= most) return [...stages];
  return Array.from({ length: most }, (_, i) => stages[Math.round((i * (stages.length - 1)) / (most - 1))]);
}

/** How many pairs are compared: eight, or all images where there are fewer. */
export const pairsOf = ({ similarity }: PretrainingResult): number => Math.sqrt(similarity[0].similarity.length) / 2;

export function similarityFigure(result: PretrainingResult): Promise<Chart> {
  const { similarity, seed } = result;
  return matrices({
    title: `Similarity of ${pairsOf(result)} fixed pairs by step (seed ${seed})`,
    range: [-1, 1],
    scale: 'cosine similarity',
    matrices: chosenStages(similarity).map((stage) => ({
      title: stage.step === 0 ? 'untrained' : `step ${stage.step}`,
      values: stage.similarity,
      notes: [`positives ${decimal(stage.positives, 3)}`, `negatives ${decimal(stage.negatives, 3)}`],
    })),
  });
}

/** Means over the runs, epoch by epoch. */
function curve(runs: readonly LabelledRun[], model: ModelName, value: (epoch: ModelEpoch) => number): Point[] {
  const epochs = Math.min(...runs.map((run) => run.models[model].epochs.length));
  return Array.from({ length: epochs }, (_, i) => {
    const { epoch } = runs[0].models[model].epochs[i];
    return [epoch, statistic(runs.map((run) => value(run.models[model].epochs[i]))).mean];
  });
}

const meanOf = (runs: readonly LabelledRun[]): string => (runs.length > 1 ? `, mean of ${runs.length} runs` : '');

export function modelCharts(runs: readonly LabelledRun[], model: ModelName): { name: string; chart: Promise<Chart> }[] {
  const both = (train: (epoch: ModelEpoch) => number, test: (epoch: ModelEpoch) => number) => [
    { name: 'train', points: curve(runs, model, train) },
    { name: 'test', points: curve(runs, model, test) },
  ];
  const x = { label: 'epoch' };
  const losses = both(
    ({ trainLoss }) => trainLoss,
    ({ testLoss }) => testLoss,
  );
  const accuracies = both(
    ({ trainAccuracy }) => 100 * trainAccuracy,
    ({ testAccuracy }) => 100 * testAccuracy,
  );
  const title = `${modelTitles[model]}${meanOf(runs)}`;
  return [
    {
      name: `${model}-loss`,
      chart: lineChart({ title: `Loss: ${title}`, x, y: { label: 'cross-entropy / nat' }, series: losses }),
    },
    {
      name: `${model}-accuracy`,
      chart: lineChart({
        title: `Accuracy: ${title}`,
        x,
        y: { label: 'accuracy / %' },
        series: accuracies,
        yRange: [0, 100],
      }),
    },
  ];
}

export function testAccuracyChart(runs: readonly LabelledRun[], majority: Majority): Promise<Chart> {
  return lineChart({
    title: `Test accuracy of the models${meanOf(runs)}`,
    x: { label: 'epoch' },
    y: { label: 'accuracy / %' },
    series: modelNames.map((model) => ({
      name: modelTitles[model],
      points: curve(runs, model, ({ testAccuracy }) => 100 * testAccuracy),
      dashed: model === 'random',
    })),
    reference: { name: `always '${majority.class}'`, y: 100 * majority.accuracy },
    yRange: [0, 100],
  });
}

/** Ours, beside the published values where there are some for these images. */
export function comparisonChart(table: readonly TableRow[], published?: Published): Promise<Chart> {
  const deviations = table.map(({ testAccuracy: { deviation } }) => (deviation === null ? undefined : 100 * deviation));
  const several = deviations.some((deviation) => deviation !== undefined);
  return barChart({
    title: 'Test accuracy after the last epoch',
    x: { label: 'model' },
    y: { label: 'accuracy / %' },
    categories: table.map(({ model }) => (model === 'random' ? 'random (control)' : model)),
    series: [
      {
        name: 'this experiment',
        values: table.map(({ testAccuracy }) => 100 * testAccuracy.mean),
        ...(several && { deviations }),
      },
      ...(published
        ? [
            {
              name: 'published (STL-10)',
              values: table.map(({ model }) => 100 * (published[model]?.testAccuracy ?? Number.NaN)),
            },
          ]
        : []),
    ],
    yRange: [0, 100],
  });
}
