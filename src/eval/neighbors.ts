/** The pictures nearest to a picture, by the encoder's features. */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { nearestRows } from '../analysis/knn.ts';
import type { Dataset, TrainSplit } from '../data/dataset.ts';
import { decodeRefused, shortReason } from '../data/decode.ts';
import { type ImageSet, imageBytes, PixelStore, storedSet } from '../data/images.ts';
import { PHOTO_FORMATS } from '../data/photo_names.ts';
import { UserError } from '../errors.ts';
import { counted } from '../io/counted.ts';
import { decimal } from '../report/numbers.ts';
import { type Photo, photoSheet } from '../report/photo_sheet.ts';
import { type Evaluation, type Outcome, outcome } from './evaluation.ts';
import { Photographs, pixelsOf } from './photographs.ts';

export interface NeighborSettings {
  /** Files, or numbers of images of the set that is asked; without any, a few of that set. */
  readonly queries: readonly string[];
  /** Neighbours of each; without it `fewNeighbors`, or as many as there are. */
  readonly count?: number;
  readonly split: TrainSplit;
}

/** Queries that are shown where none is given. */
const fewQueries = 6;
export const fewNeighbors = 8;

interface Query {
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

/** A picture that was found. */
interface Neighbor {
  /** Its row among those that are searched. */
  readonly image: number;
  readonly file: string;
  /** null where the pictures have no labels. */
  readonly class: string | null;
  readonly similarity: number;
}

interface Answer {
  readonly query: Query;
  /** The nearest first. */
  readonly neighbors: readonly Neighbor[];
}

/**
 * `simclr eval neighbors`: pictures like a picture. Labelled folders are asked with test images and searched in train; others are
 * asked and searched in the same pictures.
 */
export async function evalNeighbors(
  evaluation: Evaluation,
  path: string,
  { queries: wanted, count: given, split }: NeighborSettings,
): Promise<Outcome> {
  const dataset = await evaluation.images(path, split);
  const searched = dataset.probe?.train ?? dataset.train;
  const photos = new Photographs(dataset, path, split);
  const queries = await findQueries(evaluation, dataset, searched, wanted, photos);
  const possible = searched.count - (queries.some(({ own }) => own !== undefined) ? 1 : 0);
  const count = given ?? Math.min(fewNeighbors, possible);
  if (count > possible || count < 1) {
    throw new UserError(
      given === undefined
        ? `${path}: has only one image, which has no neighbours; give more`
        : `--count ${given}: ${path} has only ${counted(searched.count, 'image')} to search`,
      2,
    );
  }
  const answers = await findNeighbors(evaluation, searched, queries, count);
  const results = answers.map(({ query: { name }, neighbors }) => ({ query: name, neighbors }));
  const json = { data: path, searched: searched.count, results };
  const sheet = await contactSheet(searched, answers, photos);
  photos.close();
  return { ...outcome(evaluation, 'neighbors', neighborTable(searched, answers), json, sheet), numbered: true };
}

/** The nearest pictures to each query; a query that is among those that are searched is none of its own. */
async function findNeighbors(
  evaluation: Evaluation,
  searched: ImageSet,
  queries: readonly Query[],
  count: number,
): Promise<Answer[]> {
  const bank = await evaluation.features(searched, 'searched');
  const asked = await evaluation.features(querySet(searched, queries), 'queries', { cache: false });
  const spare = queries.some(({ own }) => own !== undefined) ? 1 : 0;
  const { k, rows, similarities } = await nearestRows(
    evaluation.state,
    bank,
    asked,
    evaluation.dimensions,
    count + spare,
  );
  const { labels, classNames, files } = searched;
  const neighbor = (at: number): Neighbor => ({
    image: rows[at],
    file: files?.[rows[at]] ?? String(rows[at]),
    class: (labels && classNames?.[labels[rows[at]]]) ?? null,
    similarity: similarities[at],
  });
  return queries.map((query, q) => {
    const found = Array.from({ length: k }, (_, i) => neighbor(q * k + i));
    return { query, neighbors: found.filter(({ image }) => image !== query.own).slice(0, count) };
  });
}

const neighborTable = (searched: ImageSet, answers: readonly Answer[]) => ({
  title: `nearest of ${counted(searched.count, 'image')} by cosine similarity; the figure has the query first in each row`,
  header: ['query', 'rank', 'image', 'class', 'similarity'],
  rows: answers.flatMap(({ query, neighbors }) =>
    neighbors.map(({ file, class: className, similarity }, i) => [
      i === 0 ? query.name : '',
      String(i + 1),
      file,
      className ?? '',
      decimal(similarity, 4),
    ]),
  ),
});

function contactSheet(searched: ImageSet, answers: readonly Answer[], photos: Photographs) {
  // The folder of a class says what the class is.
  const named = (file: string, className: string | null | undefined) =>
    className && !file.startsWith(`${className}/`) ? [file, className] : [file];
  return photoSheet(
    'Queries, and the nearest images by cosine similarity',
    answers.map(({ query, neighbors }) => [
      { photo: query.photo, caption: [...named(query.name, query.className), 'query'] },
      ...neighbors.map(({ image, file, similarity, class: className }) => ({
        photo: photos.of(searched, image),
        caption: [...named(file, className), decimal(similarity, 3)],
      })),
    ]),
  );
}

/** The pictures that are asked about. UserError: a number or a file that is none. */
async function findQueries(
  { file: { imageSize } }: Evaluation,
  { probe }: Dataset,
  searched: ImageSet,
  wanted: readonly string[],
  photos: Photographs,
): Promise<Query[]> {
  const set = probe?.test ?? searched;
  const few = Math.min(fewQueries, set.count);
  const spread = Array.from({ length: few }, (_, i) => Math.floor((i * set.count) / few));
  const texts = wanted.length > 0 ? wanted : spread.map(String);
  const queries: Query[] = [];
  for (const text of texts) {
    const byNumber = /^\d+$/.test(text);
    queries.push(
      byNumber ? imageQuery(set, text, set === searched, photos) : await fileQuery(text, searched, imageSize),
    );
  }
  return queries;
}

function imageQuery(set: ImageSet, text: string, own: boolean, photos: Photographs): Query {
  const i = Number(text);
  if (i >= set.count) throw new UserError(`--query ${text}: ${set.name} has images 0 to ${set.count - 1}`, 2);
  const name = set.files?.[i] ?? `image ${i}`;
  const className = set.labels && set.classNames?.[set.labels[i]];
  return { name, className, own: own ? i : undefined, pixels: pixelsOf(set, i), photo: photos.of(set, i) };
}

async function fileQuery(path: string, searched: ImageSet, size: number): Promise<Query> {
  if (!existsSync(path)) {
    throw new UserError(`--query ${path}: no such file; give a photo, or the number of an image`);
  }
  const pixels = await decodeRefused(path, size).catch((error: unknown) => {
    throw new UserError(
      `--query ${path}: cannot be read as a picture (${shortReason(error)}); give ${PHOTO_FORMATS}, or a number`,
    );
  });
  const { source, count } = searched;
  const own = source ? Array.from({ length: count }, (_, i) => resolve(source(i))).indexOf(resolve(path)) : -1;
  return {
    ...{ name: basename(path), className: undefined, own: own < 0 ? undefined : own },
    ...{ pixels, photo: { file: path } },
  };
}

function querySet(like: ImageSet, queries: readonly Query[]): ImageSet {
  const { height, width } = like;
  const store = new PixelStore(queries.length, imageBytes(like));
  for (const [i, { pixels }] of queries.entries()) store.slot(i).set(pixels);
  return storedSet({ name: 'queries', count: queries.length, height, width, skipped: [] }, store);
}
