/** Texts found by what another one says. */
import { nearestRows } from '../analysis/knn.ts';
import { firstTexts } from '../data/texts.ts';
import { UserError } from '../errors.ts';
import { counted } from '../io/counted.ts';
import { decimal } from '../report/numbers.ts';
import type { Outcome } from './evaluation.ts';
import { ranked, rankRows } from './ranking.ts';
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
  const results = ranked(nearest).map((list, t) => ({
    text: texts[t],
    found: list.map(({ row, similarity }) => ({ row, text: searched[row], similarity })),
  }));
  return {
    title: `nearest of ${counted(searched.length, 'text')} to a text by cosine similarity`,
    header: ['text', 'rank', 'found', 'similarity'],
    rows: rankRows(
      texts,
      results.map(({ found }) => found.map(({ text, similarity }) => [text, decimal(similarity, 4)])),
    ),
    notes: textNotes(evaluation.encoder, texts, 'texts'),
    json: { ...evaluation.facts(), data: path, searched: searched.length, results },
    ...{ files: {}, numbered: true },
  };
}
