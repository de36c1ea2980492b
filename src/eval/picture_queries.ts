/** Pictures that are asked about, and those of a set that are most like them. */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { nearestRows } from '../analysis/knn.ts';
import { decodeRefused, shortReason } from '../data/decode.ts';
import { type ImageSet, PixelStore, storedSet } from '../data/images.ts';
import { PHOTO_FORMATS } from '../data/photo_names.ts';
import { UserError } from '../errors.ts';
import { counted } from '../io/counted.ts';
import { decimal } from '../report/numbers.ts';
import { type Photo, photoSheet } from '../report/photo_sheet.ts';
import type { Chart } from '../report/plot.ts';
import type { Evaluation } from './evaluation.ts';
import { ranked, rankRows } from './ranking.ts';

/** Pictures for each query where nobody says how many. */
export const fewNeighbors = 8;

export interface Query {
  readonly name: string;
  /** Of an image of the set; a file's is not known. */
  readonly className: string | undefined;
  /** Its row among the pictures that are searched, which is left out of the answer. */
  readonly own: number | undefined;
  /** As the encoder is given it. */
  readonly pixels: Uint8Array;
  /** As people are shown it. */
  readonly photo: Photo;
}

/** Pictures that are searched. */
export type Searched = Pick<ImageSet, 'count' | 'labels' | 'classNames' | 'files' | 'source'>;

/** A picture that was found. */
export interface Neighbor {
  /** Its row among those that are searched. */
  readonly image: number;
  readonly file: string;
  /** null where the pictures have no labels. */
  readonly class: string | null;
  readonly similarity: number;
}

export interface Answer {
  readonly query: Query;
  /** The nearest first. */
  readonly neighbors: readonly Neighbor[];
}

/**
 * A photo that is asked about.
 * @param size height and width that the encoder takes
 * @param or what may be given in its place, for messages
 * @throws UserError there is none, or it cannot be read
 */
export async function fileQuery(path: string, { source, count }: Searched, size: number, or = ''): Promise<Query> {
  if (!existsSync(path)) throw new UserError(`--query ${path}: no such file; give a photo${or}`);
  const pixels = await decodeRefused(path, size).catch((error: unknown) => {
    throw new UserError(
      `--query ${path}: cannot be read as a picture (${shortReason(error)}); give ${PHOTO_FORMATS}${or}`,
    );
  });
  const own = source ? Array.from({ length: count }, (_, i) => resolve(source(i))).indexOf(resolve(path)) : -1;
  return {
    ...{ name: basename(path), className: undefined, own: own < 0 ? undefined : own },
    ...{ pixels, photo: { file: path } },
  };
}

/**
 * How many neighbours each query gets.
 * @param flag by which they are `given`
 * @throws UserError (usage) there are not so many, or none
 */
export function neighborCount(
  path: string,
  searched: Searched,
  queries: readonly Query[],
  flag: string,
  given?: number,
): number {
  const possible = searched.count - (queries.some(({ own }) => own !== undefined) ? 1 : 0);
  const count = given ?? Math.min(fewNeighbors, possible);
  if (count >= 1 && count <= possible) return count;
  throw new UserError(
    given === undefined
      ? `${path}: has only one image, which has no neighbours; give more`
      : `${flag} ${given}: ${path} has only ${counted(searched.count, 'image')} to search`,
    2,
  );
}

/**
 * The nearest pictures to each query; a query that is among those that are searched is none of its own.
 * @param bank features of those [count, dimensions]
 */
export async function findNeighbors(
  evaluation: Evaluation,
  bank: Float32Array,
  { labels, classNames, files }: Searched,
  queries: readonly Query[],
  count: number,
): Promise<Answer[]> {
  const asked = await evaluation.features(querySet(evaluation.file.imageSize, queries), 'queries', { cache: false });
  const spare = queries.some(({ own }) => own !== undefined) ? 1 : 0;
  const nearest = await nearestRows(evaluation.state, bank, asked, evaluation.dimensions, count + spare);
  return ranked(nearest).map((found, q) => {
    const others = found.filter(({ row }) => row !== queries[q].own).slice(0, count);
    const neighbors = others.map(({ row: image, similarity }) => ({
      ...{ image, file: files?.[image] ?? String(image), similarity },
      class: (labels && classNames?.[labels[image]]) ?? null,
    }));
    return { query: queries[q], neighbors };
  });
}

function querySet(side: number, queries: readonly Query[]): ImageSet {
  const store = new PixelStore(queries.length, 3 * side * side);
  for (const [i, { pixels }] of queries.entries()) store.slot(i).set(pixels);
  return storedSet({ name: 'queries', count: queries.length, height: side, width: side, skipped: [] }, store);
}

/** Rows of a table: query, rank, image, class where there are classes, similarity. */
export function answerTable(searched: Searched, answers: readonly Answer[]) {
  const classes = searched.labels !== undefined;
  return {
    header: ['query', 'rank', 'image', ...(classes ? ['class'] : []), 'similarity'],
    rows: rankRows(
      answers.map(({ query }) => query.name),
      answers.map(({ neighbors }) =>
        neighbors.map(({ file, class: name, similarity }) => [
          ...[file, ...(classes ? [name ?? ''] : [])],
          decimal(similarity, 4),
        ]),
      ),
    ),
  };
}

/** A sheet with a row for each query, which is first in it. @param photoOf a picture by its row among those that are searched */
export function answerSheet(answers: readonly Answer[], photoOf: (image: number) => Photo): Promise<Chart> {
  // The folder of a class says what the class is.
  const named = (file: string, className: string | null | undefined) =>
    className && !file.startsWith(`${className}/`) ? [file, className] : [file];
  return photoSheet(
    'Queries, and the nearest images by cosine similarity',
    answers.map(({ query, neighbors }) => [
      { photo: query.photo, caption: [...named(query.name, query.className), 'query'] },
      ...neighbors.map(({ image, file, similarity, class: className }) => ({
        photo: photoOf(image),
        caption: [...named(file, className), decimal(similarity, 3)],
      })),
    ]),
  );
}
