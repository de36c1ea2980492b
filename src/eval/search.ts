/** Photos found by what a sentence says of them. */
import { nearestRows } from '../analysis/knn.ts';
import type { TrainSplit } from '../data/dataset.ts';
import { findStl10 } from '../data/stl10.ts';
import { UserError } from '../errors.ts';
import { counted } from '../io/counted.ts';
import { decimal } from '../report/numbers.ts';
import { photoSheet } from '../report/photo_sheet.ts';
import { type Evaluation, type Outcome, outcome } from './evaluation.ts';
import { Photographs } from './photographs.ts';
import { ranked, rankRows } from './ranking.ts';
import { SharedSpace } from './shared_space.ts';
import { textNotes } from './text_notes.ts';

export interface SearchSettings {
  readonly texts: readonly string[];
  /** Photos for each text; without it `fewFound`, or as many as there are. */
  readonly top?: number | undefined;
  /** Which images of STL-10's files. */
  readonly split: TrainSplit;
}

export const fewFound = 8;

interface Found {
  /** Its row among the images that are searched. */
  readonly image: number;
  readonly file: string;
  readonly similarity: number;
}

/** `simclr eval search`: of all photos of a folder those whose embeddings have the greatest cosines with that of a text. */
export async function evalSearch(
  evaluation: Evaluation,
  path: string,
  { texts, top: given, split }: SearchSettings,
): Promise<Outcome> {
  const space = SharedSpace.open(evaluation);
  const dataset = await (findStl10(path) ? evaluation.images(path, split) : evaluation.photos(path));
  const { train: searched } = dataset;
  const top = given ?? Math.min(fewFound, searched.count);
  if (top > searched.count)
    throw new UserError(`--top ${top}: ${path} has only ${counted(searched.count, 'image')} to search`, 2);
  const asked = await space.texts(texts);
  const bank = await space.images(await evaluation.features(searched, 'searched'));
  const nearest = await nearestRows(evaluation.state, bank, asked, space.dimensions, top);
  const results = ranked(nearest).map((list, t) => ({
    text: texts[t],
    found: list.map(({ row: image, similarity }): Found => {
      const file = searched.files?.[image] ?? `image ${image}`;
      return { image, file, similarity };
    }),
  }));
  const photos = new Photographs(dataset, path, split);
  const sheet = await photoSheet(
    'The photos most similar to a text, by cosine similarity',
    results.map(({ found }) =>
      found.map(({ image, file, similarity }) => ({
        photo: photos.of(searched, image),
        caption: [file, decimal(similarity, 3)],
      })),
    ),
    texts,
  );
  photos.close();
  const table = {
    title: `nearest of ${counted(searched.count, 'image')} to a text by cosine similarity`,
    header: ['text', 'rank', 'image', 'similarity'],
    rows: rankRows(
      texts,
      results.map(({ found }) => found.map(({ file, similarity }) => [file, decimal(similarity, 4)])),
    ),
    notes: textNotes(space.tower, texts),
  };
  const json = { data: path, searched: searched.count, results };
  return { ...outcome(evaluation, 'search', table, json, sheet), numbered: true };
}
