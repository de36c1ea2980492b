/** `results.json`, `report.html` and `report.md` of a comparison. */
import { join } from 'node:path';
import { markResults } from '../data/results_folder.ts';
import { writeDocument } from '../experiment/report.ts';
import { writeFileAtomic } from '../io/files.ts';
import type { Block, Document } from '../report/document.ts';
import { comparisonFigures } from './figures.ts';
import { settingsBlocks } from './report_settings.ts';
import {
  budgetInWords,
  costHead,
  costRows,
  freeHead,
  freeRows,
  labelledHead,
  labelledNote,
  labelledRows,
  limitsOfLabelFree,
  taskHead,
  taskNote,
  taskRows,
  titleOf,
  troubles,
  unfinished,
  verdict,
} from './report_text.ts';
import type { Results } from './results.ts';

/** Draws the report and writes everything into `out`. */
export async function writeComparisonReport(results: Results, out: string): Promise<void> {
  markResults(out);
  writeFileAtomic(join(out, 'results.json'), `${JSON.stringify(results, null, 1)}\n`);
  writeDocument(await comparisonDocument(results, out), out);
}

const heading = (text: string): Block => ({ kind: 'heading', text });
const paragraph = (text: string): Block => ({ kind: 'text', text });

/** Everything that it says comes from the results. */
export async function comparisonDocument(results: Results, out: string): Promise<Document> {
  const { labelled, config, description } = results;
  const figures = await comparisonFigures(results, out);
  const labelledTable: Block[] = labelled
    ? [{ kind: 'table', head: labelledHead(results), rows: labelledRows(results), note: labelledNote(results) }]
    : [];
  return {
    title: titleOf(results),
    blocks: [
      ...unfinished(results).map(paragraph),
      ...verdict(results).map(paragraph),
      ...troubles(results).map(paragraph),
      ...labelledTable,
      heading('Without labels'),
      {
        kind: 'table',
        head: freeHead(results),
        rows: freeRows(results),
        note: `Of ${results.images.toLocaleString('en-US')} images${labelled ? ' of the test set' : ' of the training'}; features h of the encoder in inference mode. A rank is at most the number of images. Alignment and uniformity: two views of each (at most 1,000 images), drawn by SimCLR’s augmentation, the same for all rows.`,
      },
      ...limitsOfLabelFree.map(paragraph),
      heading('What each was trained to do'),
      { kind: 'table', head: taskHead(results), rows: taskRows(results), note: taskNote },
      heading('What it took'),
      {
        kind: 'table',
        head: costHead,
        rows: costRows(results),
        note: `${budgetInWords(results)} Images a second: of the steps alone. GPU memory: the most in buffers during the training. Time: all of the training, compiling and looks at nearest neighbours included; not the measures.`,
      },
      heading('Curves'),
      ...figures.curves,
      ...(figures.maps.length > 0 ? [heading('Maps of the features'), ...figures.maps] : []),
      ...(figures.pictures.length > 0 ? [heading('What each makes of images'), ...figures.pictures] : []),
      ...settingsBlocks(results),
      paragraph(`Data: ${description}. Adapter: ${config.adapter}.`),
    ],
  };
}
