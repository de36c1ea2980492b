/** `results.json`, `report.html` and `report.md` of an experiment. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isBalanced, majorityBaseline } from '../analysis/recognition.ts';
import type { Dataset } from '../data/dataset.ts';
import { markResults } from '../data/results_folder.ts';
import { isStl10 } from '../data/stl10.ts';
import type { Gpu } from '../gpu/device.ts';
import { writeFileAtomic } from '../io/files.ts';
import type { Document } from '../report/document.ts';
import { renderHtml } from '../report/html.ts';
import { renderMarkdown } from '../report/markdown.ts';
import { readCheckpoint } from '../train/checkpoint.ts';
import { classCount, type SupervisedData } from '../train/supervised_data.ts';
import { type ExperimentNumbers, labelledData } from './experiment.ts';
import { findings, resultTable } from './experiment_results.ts';
import type { ExperimentConfig } from './experiment_settings.ts';
import { augmentationsOneByOne } from './figures_augmentations.ts';
import { className, lossExample, pairViews, samplesByClass } from './figures_views.ts';
import { type Pictures, type Results, reportDocument } from './report_document.ts';
import { published } from './report_published.ts';

const figuresFolder = 'figures';

/** Draws what the report shows and writes everything into `out`. */
export async function writeReport(
  gpu: Gpu,
  dataset: Dataset,
  config: ExperimentConfig,
  numbers: ExperimentNumbers,
  out: string,
): Promise<Results> {
  const { train } = labelledData(dataset, config.data);
  const checkpoint = readCheckpoint(numbers.pretraining[0].checkpoint);
  const worked = await lossExample(gpu, train, checkpoint);
  const compared = isStl10(config.data);
  const results: Results = {
    version: 1,
    description: dataset.description,
    config,
    table: resultTable(numbers.runs),
    findings: findings(numbers.runs, compared),
    majority: majorityOf(labelledData(dataset, config.data)),
    ...(compared && { published }),
    ...(worked && { lossExample: worked.example }),
    ...numbers,
  };
  const pictures: Pictures = {
    samples: samplesByClass(train),
    augmentations: await augmentationsOneByOne(gpu, train, checkpoint.settings),
    pairs: await pairViews(gpu, dataset.train, checkpoint.settings),
    ...(worked && { lossViews: worked.pictures }),
  };
  markResults(out);
  writeFileAtomic(join(out, 'results.json'), `${JSON.stringify(results, null, 1)}\n`);
  writeDocument(await reportDocument(results, pictures), out);
  return results;
}

function majorityOf({ train, test }: SupervisedData): Results['majority'] {
  const { label, accuracy } = majorityBaseline(train.labels!, test.labels!);
  const classes = classCount({ train, test });
  return { class: className(train, label), accuracy, balanced: isBalanced(test.labels!, classes) };
}

/** Writes `report.html`, `report.md`, and the figures as PNG and SVG. */
export function writeDocument(document: Document, out: string): void {
  mkdirSync(join(out, figuresFolder), { recursive: true });
  for (const block of document.blocks) {
    if (block.kind !== 'figure') continue;
    writeFileAtomic(join(out, figuresFolder, `${block.name}.png`), block.chart.png);
    writeFileAtomic(join(out, figuresFolder, `${block.name}.svg`), block.chart.svg);
  }
  writeFileAtomic(join(out, 'report.md'), renderMarkdown(document, figuresFolder));
  writeFileAtomic(join(out, 'report.html'), renderHtml(document));
}
