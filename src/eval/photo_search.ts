/** Photos of an indexed folder that are most like a photo. */
import type { Chart } from '../report/plot.ts';
import type { Evaluation } from './evaluation.ts';
import { type PhotoIndex, pathIn } from './photo_index.ts';
import { answerSheet, answerTable, fileQuery, findNeighbors, neighborCount, type Searched } from './picture_queries.ts';

export interface PhotoSearch {
  /** Photos, in the folder or elsewhere. */
  readonly queries: readonly string[];
  /** Photos for each; without it a few, or as many as there are. */
  readonly top?: number | undefined;
}

/** What was found, and the forms that it can be shown in. */
export interface FoundPhotos {
  readonly table: ReturnType<typeof answerTable>;
  readonly json: object;
  sheet(): Promise<Chart>;
}

/** `simclr search`. UserError: a query that is no photo, or more are asked for than there are. */
export async function searchPhotos(
  evaluation: Evaluation,
  index: PhotoIndex,
  folder: string,
  { queries: wanted, top }: PhotoSearch,
): Promise<FoundPhotos> {
  const { photos, features } = index;
  const source = (i: number): string => pathIn(folder, photos[i]);
  const searched: Searched = { count: photos.length, files: photos.map(({ file }) => file), source };
  const queries = [];
  for (const path of wanted) queries.push(await fileQuery(path, searched, evaluation.file.imageSize));
  const count = neighborCount(folder, searched, queries, '--top', top);
  const answers = await findNeighbors(evaluation, features, searched, queries, count);
  const results = answers.map(({ neighbors }, i) => ({
    query: wanted[i],
    found: neighbors.map(({ file, similarity }) => ({ file, similarity })),
  }));
  return {
    table: answerTable(searched, answers),
    json: { ...evaluation.facts(), data: folder, searched: photos.length, results },
    sheet: () => answerSheet(answers, (image) => ({ file: source(image) })),
  };
}
