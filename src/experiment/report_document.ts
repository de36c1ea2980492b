/** The report of an experiment as a document: everything it says comes from the results. */

import { counted } from '../io/counted.ts';
import type { Block, Document } from '../report/document.ts';
import { decimal } from '../report/numbers.ts';
import type { TrainSettings } from '../train/settings.ts';
import type { ExperimentNumbers } from './experiment.ts';
import {
  type Findings,
  type LabelledRun,
  type Majority,
  modelNames,
  type PretrainingResult,
  type TableRow,
} from './experiment_results.ts';
import type { ExperimentConfig } from './experiment_settings.ts';
import {
  augmentationsFigure,
  chosenStages,
  comparisonChart,
  lossMatricesFigure,
  lossViewsFigure,
  modelCharts,
  modelTitles,
  pairsFigure,
  pairsOf,
  samplesFigure,
  similarityFigure,
  testAccuracyChart,
} from './figures.ts';
import type { AugmentationStep } from './figures_augmentations.ts';
import type { LossExample } from './figures_loss.ts';
import { pretrainingCharts } from './figures_pretraining.ts';
import type { Named } from './figures_views.ts';
import { frozenDigests, heading, paragraph, settingsBlocks, timeBlocks } from './report_facts.ts';
import type { Published } from './report_published.ts';
import {
  augmentationInWords,
  probeHead,
  probeRows,
  runCount,
  similarityInWords,
  tableHead,
  tableRows,
  verdict,
} from './report_text.ts';

/** What `results.json` holds: all numbers of the report. Accuracies are shares, 0 to 1. */
export interface Results extends ExperimentNumbers {
  readonly version: 1;
  /** What was found at `config.data`. */
  readonly description: string;
  readonly config: ExperimentConfig;
  readonly table: readonly TableRow[];
  readonly findings: Findings;
  readonly majority: Majority;
  /** Published numbers for these images: STL-10's, where it is STL-10. */
  readonly published?: Published;
  /** Of SimCLR only. */
  readonly lossExample?: LossExample;
}

/** Pictures of the report: square RGB images, HWC bytes. */
export interface Pictures {
  readonly samples: readonly Named[];
  readonly augmentations: readonly AugmentationStep[];
  /** View 1 of each image, then view 2 of each. */
  readonly pairs: readonly Uint8Array[];
  readonly lossViews?: readonly Uint8Array[];
}

const figure = async (name: string, caption: string, chart: ReturnType<typeof pairsFigure>): Promise<Block> => ({
  kind: 'figure',
  name,
  caption,
  chart: await chart,
});

/** Builds text, tables and figures. */
export async function reportDocument(results: Results, pictures: Pictures): Promise<Document> {
  const { config, table, runs, description, published } = results;
  const several = runs.length > 1 ? ` Mean ± standard deviation (n − 1) of ${runCount(runs)}.` : '';
  const slow = runs.flatMap(({ probes }) => Object.values(probes)).filter(({ converged }) => !converged).length;
  const unfinished = slow > 0 ? ` ${slow} of ${2 * runs.length} fits stopped before they had converged.` : '';
  return {
    title: 'SimCLR: pre-training without labels, and three models trained on the labels',
    blocks: [
      ...verdict(results).map(paragraph),
      {
        kind: 'table',
        head: tableHead,
        rows: tableRows(table, published),
        note: `Numbers of the last epoch; those of train are means over its steps, while the weights change. The best epoch was chosen by looking at the test split and is shown only beside it.${several}${published ? ' Published: ResNet-18 on STL-10.' : ''} Control: the linear head on the encoder's first weights (batch norm with mean 0 and variance 1), trained like the other head, however small or large its features are. What pre-training is worth is read off the linear probes below, which standardise them.`,
      },
      {
        kind: 'table',
        head: probeHead,
        rows: probeRows(runs),
        note: `Standardised features of the encoder in inference mode; logistic regression by L-BFGS; λ of its L2 penalty ${chosenHow(runs)}.${unfinished}`,
      },
      await figure('test-accuracy', 'Test accuracy after every epoch.', testAccuracyChart(runs, results.majority)),
      await figure(
        'comparison',
        `Test accuracy after the last epoch${published ? ' beside the published values' : ''}.`,
        comparisonChart(table, published),
      ),
      ...settingsBlocks(results),
      paragraph(`Data: ${description}. Adapter: ${config.adapter}.`),
      ...(await imageBlocks(pictures, config.pretrain)),
      ...(await lossBlocks(results, pictures)),
      ...(await pretrainingBlocks(results.pretraining, config.pretrain.method)),
      ...(await modelBlocks(runs)),
      ...timeBlocks(results),
    ],
  };
}

/** How the λ of the linear probes came about. */
function chosenHow(runs: readonly LabelledRun[]): string {
  const probes = runs.flatMap(({ probes }) => Object.values(probes));
  const without = probes.filter(({ tried }) => tried.length === 0).length;
  if (without === probes.length) return 'taken from the middle of the candidates: too few images to hold some out';
  const but = without > 0 ? ` (in ${without} of ${probes.length} fits the middle candidate: too few images)` : '';
  return `chosen on a held-out part of train${but}`;
}

const imageBlocks = async ({ samples, augmentations, pairs }: Pictures, settings: TrainSettings): Promise<Block[]> => [
  heading('Images'),
  await figure('samples', 'Labelled training images, a row for each class.', samplesFigure(samples)),
  await figure(
    'augmentations',
    `Each part of the augmentation alone. ${augmentationInWords(settings)}`,
    augmentationsFigure(augmentations),
  ),
  await figure(
    'pairs',
    `${counted(pairs.length / 2, 'pair')} as pre-training sees them: two views of each image, augmented independently.`,
    pairsFigure(pairs),
  ),
];

/** The loss of two pairs, line by line. */
async function lossBlocks({ lossExample: example, pretraining }: Results, { lossViews }: Pictures): Promise<Block[]> {
  if (!example || !lossViews) return [];
  const { rows, cosines, probabilities, losses, loss, kernelLoss, temperature } = example;
  const positive = (i: number) => (i + rows.length / 2) % rows.length;
  return [
    heading('The loss, worked out'),
    paragraph(
      `Two pairs go through the network after ${counted(pretraining[0].steps, 'step')} of pre-training. For each of the four views: its cosine similarity to the other three, divided by the temperature τ = ${temperature}; the softmax of these; and −log of the probability that falls to the other view of the same image. The loss is the mean. Computed in float64 from the embeddings.`,
    ),
    await figure('loss-views', 'The views, as the network gets them.', lossViewsFigure(example, lossViews)),
    await figure(
      'loss-matrices',
      'Left: cosine similarity of each view (row) to each other one (column). Right: the softmax of similarity / τ over each row.',
      lossMatricesFigure(example),
    ),
    {
      kind: 'table',
      head: ['view', 'its positive', 'cosine', 'cosine / τ', 'probability', '−log probability'],
      rows: rows.map((row, i) => {
        const cosine = cosines[i][positive(i)];
        const probability = probabilities[i][positive(i)];
        const numbers = [cosine, cosine / temperature, probability].map((value) => decimal(value, 6));
        return [row, rows[positive(i)], ...numbers, losses[i].toFixed(6)];
      }),
      note: `Mean of the last column: ${loss.toFixed(6)}. The GPU's kernel gives ${kernelLoss.toFixed(6)}.`,
    },
  ];
}

async function pretrainingBlocks(runs: readonly PretrainingResult[], method: string): Promise<Block[]> {
  const blocks: Block[] = [heading('Pre-training')];
  if (runs.every(({ epochs }) => epochs.length > 0)) {
    for (const { name, caption, chart } of pretrainingCharts(runs, method)) {
      blocks.push(await figure(name, caption, chart));
    }
  } else {
    blocks.push(paragraph('The encoder was taken from a checkpoint whose record of epochs is not at hand.'));
  }
  for (const run of runs) {
    if (run.similarity.length === 0) continue;
    const name = runs.length > 1 ? `similarity-seed-${run.seed}` : 'similarity';
    blocks.push(
      await figure(
        name,
        `Cosine similarities of the embeddings of ${pairsOf(run)} fixed pairs by step. The diagonals of the off-diagonal quarters are the two views of an image. ${similarityInWords(run.similarity)}`,
        similarityFigure(run),
      ),
      {
        kind: 'table',
        head: ['step', 'mean similarity of positives', 'of negatives'],
        rows: chosenStages(run.similarity).map(({ step, positives, negatives }) => [
          step === 0 ? 'untrained' : String(step),
          decimal(positives, 3),
          decimal(negatives, 3),
        ]),
      },
    );
  }
  return blocks;
}

async function modelBlocks(runs: readonly LabelledRun[]): Promise<Block[]> {
  const blocks: Block[] = [heading('Curves of each model')];
  for (const model of modelNames) {
    for (const { name, chart } of modelCharts(runs, model)) {
      blocks.push(await figure(name, `${modelTitles[model]}: train and test by epoch.`, chart));
    }
  }
  blocks.push(paragraph(frozenDigests(runs)));
  return blocks;
}
