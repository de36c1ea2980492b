/** The pictures nearest to a picture, by the encoder's features. */
import type { Dataset, TrainSplit } from '../data/dataset.ts';
import type { ImageSet } from '../data/images.ts';
import { UserError } from '../errors.ts';
import { counted } from '../io/counted.ts';
import { type Evaluation, type Outcome, outcome } from './evaluation.ts';
import { Photographs, pixelsOf } from './photographs.ts';
import { answerSheet, answerTable, fileQuery, findNeighbors, neighborCount, type Query } from './picture_queries.ts';

export interface NeighborSettings {
  /** Files, or numbers of images of the set that is asked; without any, a few of that set. */
  readonly queries: readonly string[];
  /** Neighbours of each; without it `fewNeighbors`, or as many as there are. */
  readonly count?: number;
  readonly split: TrainSplit;
}

/** Queries that are shown where none is given. */
const fewQueries = 6;

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
  const count = neighborCount(path, searched, queries, '--count', given);
  const bank = await evaluation.features(searched, 'searched');
  const answers = await findNeighbors(evaluation, bank, searched, queries, count);
  const results = answers.map(({ query: { name }, neighbors }) => ({ query: name, neighbors }));
  const json = { data: path, searched: searched.count, results };
  const sheet = await answerSheet(answers, (image) => photos.of(searched, image));
  photos.close();
  const title = `nearest of ${counted(searched.count, 'image')} by cosine similarity; the figure has the query first in each row`;
  const table = { title, ...answerTable(searched, answers) };
  return { ...outcome(evaluation, 'neighbors', table, json, sheet), numbered: true };
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
      byNumber
        ? imageQuery(set, text, set === searched, photos)
        : await fileQuery(text, searched, imageSize, ', or a number'),
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
