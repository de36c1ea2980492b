/** Evaluations that need no classifier: clusters of the features, and a map of them. */
import { npyPieces } from '../data/npy.ts';
import { epochOrder } from '../data/order.ts';
import { UserError } from '../errors.ts';
import { assignRows, type KMeansOptions, kMeans } from '../eval/kmeans.ts';
import {
  adjustedRandIndex,
  contingency,
  matchClusters,
  matchedAccuracy,
  normalizedMutualInformation,
} from '../eval/partition.ts';
import { pickRows } from '../eval/probe.ts';
import { mostPoints, type TsneOptions, tsne, tsneDefaults } from '../eval/tsne.ts';
import { barChart, scatterChart } from '../report/plot.ts';
import { chartFiles, dataFacts, dimensions, type Evaluation, type Outcome, percent } from './evaluation.ts';

/** Rows at length one; a row of zeros stays. */
export function unitRows(x: Float32Array, columns = dimensions): Float32Array {
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
  const { train, test } = data.features;
  const found = kMeans(unitRows(train.features), dimensions, settings);
  const tested = new Int32Array(test.labels.length);
  assignRows(unitRows(test.features), dimensions, found.centres, tested);
  const tables = [
    contingency(train.labels, found.assignment, data.classes, settings.clusters),
    contingency(test.labels, tested, data.classes, settings.clusters),
  ];
  const match = matchClusters(tables[0]);
  const results = tables.map((table, i) => ({
    set: ['train', 'test'][i],
    accuracy: matchedAccuracy(table, match),
    nmi: normalizedMutualInformation(table),
    ari: adjustedRandIndex(table),
    counts: [...table.counts],
  }));
  const measures = ['accuracy', 'nmi', 'ari'] as const;
  const chart = await barChart({
    title: `k-means, ${settings.clusters} clusters`,
    x: { label: 'measure' },
    y: { label: 'agreement with the classes / %' },
    categories: ['accuracy', 'NMI', 'ARI'],
    series: results.map((result) => ({
      name: result.set,
      values: measures.map((measure) => 100 * result[measure]),
    })),
  });
  const { restarts } = settings;
  return {
    title: `k-means: ${settings.clusters} clusters of the training features at length one, best of ${restarts} starts; inertia ${found.inertia.toFixed(3)}`,
    header: ['images', 'number', 'accuracy / %', 'NMI / %', 'ARI / %'],
    rows: results.map(({ set, accuracy, nmi, ari }, i) => [
      set,
      String(tables[i].total),
      ...[accuracy, nmi, ari].map(percent),
    ]),
    notes: [
      'accuracy: each cluster stands for one class, in the matching that is best on train; test images take the nearest centre',
    ],
    json: {
      ...evaluation.facts(),
      ...dataFacts(data),
      settings,
      inertia: found.inertia,
      iterations: found.iterations,
      match: [...match],
      results,
    },
    files: chartFiles('kmeans', chart),
  };
}

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
  const { probe, train } = await evaluation.images(path);
  const set = probe ? probe[on] : train;
  const { labels } = set;
  const limit = mostPoints(evaluation.state);
  const wanted = Math.min(most, set.count);
  if (wanted > limit)
    throw new UserError(`--points ${wanted}: this adapter can hold ${limit}; take at most as many`, 2);
  const rows = epochOrder(set.count, seed, 0).slice(0, wanted).sort();
  const x = unitRows(pickRows(await evaluation.features(set, probe ? on : 'images'), rows, dimensions));
  const perplexity =
    settings.perplexity ?? Math.max(1, Math.min(tsneDefaults.perplexity, Math.floor((rows.length - 1) / 3)));
  const found = await tsne(evaluation.state, x, dimensions, { ...rest, perplexity, onProgress });
  const point = (i: number): [number, number] => [found.coordinates[2 * i], found.coordinates[2 * i + 1]];
  const nameOf = (label: number) => set.classNames?.[label] ?? `class ${label}`;
  const groups = labels
    ? [...new Set(labels)]
        .sort((a, b) => a - b)
        .map((label) => ({
          name: nameOf(label),
          points: [...rows.keys()].filter((i) => labels[rows[i]] === label).map(point),
        }))
    : [{ name: 'images', points: [...rows.keys()].map(point) }];
  const chart = await scatterChart({
    title: `t-SNE of ${rows.length} ${probe ? `${on} images` : 'images'}`,
    x: { label: 't-SNE 1' },
    y: { label: 't-SNE 2' },
    groups,
  });
  const csv = Array.from(rows, (row, i) => {
    const cells = [row, set.files?.[row] ?? row, labels ? nameOf(labels[row]) : '', ...point(i)];
    return `${cells.map(csvCell).join(',')}\n`;
  });
  return {
    title: `t-SNE, exact, of ${rows.length} features at length one; perplexity ${perplexity}, ${rest.iterations ?? tsneDefaults.iterations} iterations`,
    header: ['iteration', 'KL divergence'],
    rows: found.history.map(({ iteration, kl }) => [String(iteration), kl.toFixed(5)]),
    notes: ['coordinates: tsne.npy float32 [images, 2], and tsne.csv with files and classes'],
    json: {
      ...evaluation.facts(),
      data: path,
      images: rows.length,
      settings: { ...tsneDefaults, ...rest, perplexity, on, seed },
      kl: found.kl,
      history: found.history,
    },
    files: {
      ...chartFiles('tsne', chart),
      'tsne.npy': npyPieces(found.coordinates, [rows.length, 2]),
      'tsne.csv': ['image,file,class,x,y\n', ...csv].join(''),
    },
  };
}

/** A cell of a CSV file, quoted where it has to be. */
const csvCell = (value: string | number): string => {
  const text = String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
