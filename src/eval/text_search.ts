/** Texts found by what another one says. */
import { nearestRows } from '../analysis/knn.ts';
import { firstTexts } from '../data/texts.ts';
import { UserError } from '../errors.ts';
import { counted } from '../io/counted.ts';
import { decimal } from '../report/numbers.ts';
import type { Outcome } from './evaluation.ts';
import { fewFound, type SearchSettings } from './search.ts';
import type { TextEvaluation } from './text_evaluation.ts';
import { textNotes } from './text_notes.ts';

/** `simclr eval search` with an encoder of texts: of all texts of a file those whose embeddings have the greatest cosines with that of another. */
export async function evalTextSearch(
  evaluation: TextEvaluation,
  path: string,
  { texts, top: given }: Pick<SearchSettings, 'texts' | 'top'>,
): Promise<Outcome> {
  const searched = firstTexts(await evaluation.all(path));
  const top = given ?? Math.min(fewFound, searched.length);
  if (top > searched.length)
    throw new UserError(`--top ${top}: ${path} has only ${counted(searched.length, 'text')} to search`, 2);
  const bank = await evaluation.unitFeatures(searched, 'searched');
  const asked = await evaluation.unitFeatures(texts, 'asked');
  const nearest = await nearestRows(evaluation.state, bank, asked, evaluation.dimensions, top);
  const results = texts.map((text, t) => ({
    text,
    found: Array.from({ length: top }, (_, i) => {
      const row = nearest.rows[t * top + i];
      return { row, text: searched[row], similarity: nearest.similarities[t * top + i] };
    }),
  }));
  return {
    title: `nearest of ${counted(searched.length, 'text')} to a text by cosine similarity`,
    header: ['text', 'rank', 'found', 'similarity'],
    rows: results.flatMap(({ text, found }) =>
      found.map((one, i) => [i === 0 ? text : '', String(i + 1), one.text, decimal(one.similarity, 4)]),
    ),
    notes: textNotes(evaluation.encoder, texts, 'texts'),
    json: { ...evaluation.facts(), data: path, searched: searched.length, results },
    ...{ files: {}, numbered: true },
  };
}
