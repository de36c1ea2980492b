/** Evaluations that need no classifier: clusters of the features, and a map of them. */

import { assignRows, type Clusters, type KMeansOptions, kMeans } from '../analysis/kmeans.ts';
import {
  adjustedRandIndex,
  contingency,
  matchClusters,
  matchedAccuracy,
  normalizedMutualInformation,
} from '../analysis/partition.ts';
import { pickRows } from '../analysis/probe.ts';
import { type Embedding, mostPoints, type TsneOptions, tsne, tsneDefaults } from '../analysis/tsne.ts';
import type { Dataset } from '../data/dataset.ts';
import type { ImageSet } from '../data/images.ts';
import { epochOrder } from '../data/order.ts';
import { UserError } from '../errors.ts';
import { counted } from '../io/counted.ts';
import { csvLine } from '../io/csv.ts';
import { npyPieces } from '../io/npy.ts';
import { percent } from '../report/numbers.ts';
import { barChart, scatterChart } from '../report/plot.ts';
import { type Evaluation, type Outcome, outcome } from './evaluation.ts';
import { dataFacts, type LabelledData, majorityNote } from './labelled_sets.ts';

/** Rows at length one; a row of zeros stays. */
export function unitRows(x: Float32Array, columns: number): Float32Array {
  const result = new Float32Array(x.length);
  for (let at = 0; at < x.length; at += columns) {
    const row = x.subarray(at, at + columns);
    const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    for (let d = 0; d < columns; d++) result[at + d] = norm > 0 ? row[d] / norm : 0;
  }
  return result;
}

/** `simclr eval kmeans`: centres from the training features; the test images go to the nearest of them. */
export async function evalKMeans(
  evaluation: Evaluation,
  path: string,
  { clusters: wanted, ...options }: Omit<KMeansOptions, 'clusters'> & { clusters?: number },
): Promise<Outcome> {
  const data = await evaluation.labelled(path);
  const settings = { ...options, clusters: wanted ?? data.classes };
  const found = kMeans(unitRows(data.features.train.features, data.dimensions), data.dimensions, settings);
  const { match, results } = agreement(data, found, settings.clusters);
  const { inertia, iterations } = found;
  const title = `k-means: ${counted(settings.clusters, 'cluster')} of the training features at length one, best of ${counted(settings.restarts, 'start')}; inertia ${inertia.toFixed(3)}`;
  const table = {
    title,
    header: ['images', 'number', 'accuracy / %', 'NMI / %', 'ARI / %'],
    rows: results.map(({ set, images, accuracy, nmi, ari }) => [
      set,
      String(images),
      ...[accuracy, nmi, ari].map(percent),
    ]),
    notes: [
      majorityNote(data),
      'accuracy: each cluster stands for one class, in the matching that is best on train; test images take the nearest centre',
    ],
  };
  const json = { ...dataFacts(data), settings, inertia, iterations, match: [...match], results };
  return outcome(evaluation, 'kmeans', table, json, await agreementChart(results, settings.clusters));
}

interface Agreement {
  readonly set: string;
  readonly images: number;
  readonly accuracy: number;
  readonly nmi: number;
  readonly ari: number;
  /** [classes, clusters] */
  readonly counts: readonly number[];
}

/** How clusters and classes agree, on train and on test; the matching is train's. */
function agreement({ features, dimensions, classes }: LabelledData, found: Clusters, clusters: number) {
  const { train, test } = features;
  const tested = new Int32Array(test.labels.length);
  assignRows(unitRows(test.features, dimensions), dimensions, found.centres, tested);
  const tables = [
    contingency(train.labels, found.assignment, classes, clusters),
    contingency(test.labels, tested, classes, clusters),
  ];
  const match = matchClusters(tables[0]);
  const results = tables.map(
    (table, i): Agreement => ({
      set: ['train', 'test'][i],
      images: table.total,
      accuracy: matchedAccuracy(table, match),
      nmi: normalizedMutualInformation(table),
      ari: adjustedRandIndex(table),
      counts: [...table.counts],
    }),
  );
  return { match, results };
}

const agreementChart = (results: readonly Agreement[], clusters: number) =>
  barChart({
    title: `k-means, ${counted(clusters, 'cluster')}`,
    x: { label: 'measure' },
    y: { label: 'agreement with the classes / %' },
    categories: ['accuracy', 'NMI', 'ARI'],
    series: results.map(({ set, accuracy, nmi, ari }) => ({
      name: set,
      values: [accuracy, nmi, ari].map((share) => 100 * share),
    })),
  });

export interface TsneSettings extends Partial<Pick<TsneOptions, 'iterations' | 'rate'>> {
  /** Without it 30, or what few points allow. */
  readonly perplexity?: number;
  /** At most so many images, drawn by the seed. */
  readonly points: number;
  readonly on: 'train' | 'test';
  readonly seed: number;
  readonly onProgress?: (iteration: number, kl: number) => void;
}

/** `simclr eval tsne`: a map of the features at length one. Images need no labels; where there are some they give the colours. */
export async function evalTsne(evaluation: Evaluation, path: string, settings: TsneSettings): Promise<Outcome> {
  const { points: most, on, seed, onProgress, ...rest } = settings;
  const { set, name } = mappedSet(await evaluation.images(path), on);
  const rows = drawRows(evaluation, set.count, most, seed);
  const { dimensions } = evaluation;
  const x = unitRows(pickRows(await evaluation.features(set, name), rows, dimensions), dimensions);
  const perplexity =
    settings.perplexity ?? Math.max(1, Math.min(tsneDefaults.perplexity, Math.floor((rows.length - 1) / 3)));
  const found = await tsne(evaluation.state, x, dimensions, { ...rest, perplexity, onProgress });
  const points = Array.from(
    rows,
    (row, i): MapPoint => ({
      row,
      file: set.files?.[row],
      label: set.labels?.[row],
      className: set.labels && (set.classNames?.[set.labels[row]] ?? `class ${set.labels[row]}`),
      at: [found.coordinates[2 * i], found.coordinates[2 * i + 1]],
    }),
  );
  const table = {
    title: `t-SNE of ${rows.length} images: KL divergence ${found.kl.toFixed(4)} (perplexity ${perplexity}, ${counted(rest.iterations ?? tsneDefaults.iterations, 'iteration')})`,
    header: [],
    rows: [],
  };
  const { kl, history } = found;
  const used = { ...tsneDefaults, ...rest, perplexity, on, seed };
  const json = { data: path, images: rows.length, settings: used, kl, history };
  const title = `t-SNE of ${rows.length} ${name === 'images' ? name : `${name} images`}`;
  const drawn = outcome(evaluation, 'tsne', table, json, await mapChart(points, title));
  return { ...drawn, files: { ...drawn.files, ...coordinateFiles(points, found) } };
}

/** The set that a map shows: a part of the labelled images, or all of a folder that has no labels. */
const mappedSet = ({ probe, train }: Dataset, on: 'train' | 'test'): { set: ImageSet; name: string } =>
  probe ? { set: probe[on], name: on } : { set: train, name: 'images' };

/** Rows of a map, in ascending order. UserError: more than the device can hold. */
function drawRows({ state }: Evaluation, count: number, most: number, seed: number): Uint32Array {
  const limit = mostPoints(state);
  const wanted = Math.min(most, count);
  if (wanted > limit) throw new UserError(`--points ${wanted}: this adapter can hold at most ${limit}`, 2);
  return epochOrder(count, seed, 0).slice(0, wanted).sort();
}

interface MapPoint {
  readonly row: number;
  readonly file: string | undefined;
  readonly label: number | undefined;
  readonly className: string | undefined;
  readonly at: readonly [x: number, y: number];
}

function mapChart(points: readonly MapPoint[], title: string) {
  const labels = [...new Set(points.map(({ label }) => label))].toSorted((a = 0, b = 0) => a - b);
  const groups = labels.map((label) => {
    const members = points.filter((point) => point.label === label);
    return { name: members[0].className ?? 'images', points: members.map(({ at }) => at) };
  });
  return scatterChart({ title, x: { label: 't-SNE 1' }, y: { label: 't-SNE 2' }, groups });
}

function coordinateFiles(points: readonly MapPoint[], { coordinates }: Embedding): Outcome['files'] {
  const lines = points.map(({ row, file, className = '', at }) => {
    const cells = [row, file ?? row, className, ...at];
    return csvLine(cells);
  });
  return {
    'tsne.npy': npyPieces(coordinates, [points.length, 2]),
    'tsne.csv': ['image,file,class,x,y\n', ...lines].join(''),
  };
}
