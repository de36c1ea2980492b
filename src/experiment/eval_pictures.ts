/** Evaluations that are about pictures: damaged ones, and the nearest ones. */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import type { Dataset, TrainSplit } from '../data/dataset.ts';
import { decodeRefused, shortReason } from '../data/decode.ts';
import { type ImageSet, imageBytes, PixelStore, storedSet, subset } from '../data/images.ts';
import { epochOrder } from '../data/order.ts';
import { UserError } from '../errors.ts';
import { corrupt, corruptionNames, strengths, strengthUnit } from '../eval/corruptions.ts';
import { nearestRows, voteOfNearest } from '../eval/knn.ts';
import { accuracyOf } from '../eval/logistic.ts';
import { type ProbeOptions, probeDefaults, probePredict, trainProbe } from '../eval/probe.ts';
import { decimal } from '../report/numbers.ts';
import { lineChart } from '../report/plot.ts';
import { imageRows } from '../report/plot_images.ts';
import { unchosenNote } from './eval_probes.ts';
import { chartFiles, dataFacts, dimensions, type Evaluation, type Outcome, percent } from './evaluation.ts';

const levels = [1, 2, 3, 4, 5] as const;

export interface RobustnessSettings extends Partial<ProbeOptions> {
  /** At most so many test images, drawn by the seed; 0: all. */
  readonly images: number;
  readonly seed: number;
  readonly onCorruption?: (done: number, total: number) => void;
}

/** `simclr eval robustness`: probes that were trained on clean features, tested on damaged pictures. */
export async function evalRobustness(
  evaluation: Evaluation,
  path: string,
  { images: most, onCorruption, ...given }: RobustnessSettings,
): Promise<Outcome> {
  const sets = await evaluation.sets(path);
  const settings = { ...probeDefaults, ...given };
  const train = { features: await evaluation.features(sets.train, 'train'), labels: sets.train.labels! };
  const drawn = epochOrder(sets.test.count, settings.seed, 0)
    .slice(0, most || undefined)
    .sort();
  const test = subset(sets.test, drawn);
  const probe = await trainProbe(train, dimensions, sets.classes, settings);
  const k = Math.min(20, sets.train.count);
  const accuracies = async (set: ImageSet, name: string) => {
    const features = await evaluation.features(set, name, { cache: false });
    const neighbours = await nearestRows(evaluation.state, train.features, features, dimensions, k);
    return {
      linear: accuracyOf(probePredict(probe, features), test.labels!),
      knn: accuracyOf(voteOfNearest(neighbours, train.labels, { k, temperature: 0.07 }), test.labels!),
    };
  };
  const clean = await accuracies(test, 'clean');
  const results: { corruption: string; level: number; strength: number; linear: number; knn: number }[] = [];
  for (const corruption of corruptionNames) {
    const numbers = strengths(corruption, test.height);
    for (const level of levels) {
      const damaged = await corrupt(test, corruption, level, settings.seed);
      const found = await accuracies(damaged, `${corruption} ${level}`);
      results.push({ corruption, level, strength: numbers[level - 1], ...found });
      onCorruption?.(results.length, corruptionNames.length * levels.length);
    }
  }
  const of = (corruption: string) => results.filter((result) => result.corruption === corruption);
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const chart = await lineChart({
    title: 'Linear probe trained on clean images, tested on damaged ones',
    x: { label: 'strength (0: clean)' },
    y: { label: 'test accuracy / %' },
    series: corruptionNames.map((name) => ({
      name,
      points: [clean, ...of(name)].map(({ linear }, level): [number, number] => [level, 100 * linear]),
    })),
    reference: { name: 'guessing', y: 100 / sets.classes },
    yRange: [0, 100],
  });
  return {
    title: `robustness: accuracy in % of the linear probe (and of kNN, k ${k}) trained on clean images, on ${test.count} damaged test images; clean ${percent(clean.linear)} (${percent(clean.knn)})`,
    header: ['damage', ...levels.map((level) => `strength ${level}`), 'mean'],
    rows: corruptionNames.map((name) => [
      name,
      ...of(name).map(({ linear, knn }) => `${percent(linear)} (${percent(knn)})`),
      `${percent(mean(of(name).map(({ linear }) => linear)))} (${percent(mean(of(name).map(({ knn }) => knn)))})`,
    ]),
    notes: [
      ...corruptionNames.map((name) => `${name}: ${strengths(name, test.height).join(', ')} (${strengthUnit(name)})`),
      ...(probe.unchosen ? [unchosenNote(settings, probe.chosen)] : []),
    ],
    json: {
      ...evaluation.facts(),
      ...dataFacts(sets),
      settings,
      chosen: probe.chosen,
      images: test.count,
      k,
      clean,
      results,
    },
    files: chartFiles('robustness', chart),
  };
}

export interface NeighborSettings {
  /** Files, or numbers of images of the set that is asked; without any, a few of that set. */
  readonly queries: readonly string[];
  readonly count: number;
  readonly split: TrainSplit;
}

/** Queries that are shown where none is given. */
const fewQueries = 6;

interface Query {
  readonly name: string;
  /** Of an image of the set; a file's is not known. */
  readonly className: string | undefined;
  /** Its row among the pictures that are searched, which is left out of the answer. */
  readonly own: number | undefined;
  readonly pixels: Uint8Array;
}

/**
 * `simclr eval neighbors`: pictures like a picture. Labelled folders are asked with test images and searched in train; others are
 * asked and searched in the same pictures.
 */
export async function evalNeighbors(
  evaluation: Evaluation,
  path: string,
  { queries: wanted, count, split }: NeighborSettings,
): Promise<Outcome> {
  const dataset = await evaluation.images(path, split);
  const searched = dataset.probe?.train ?? dataset.train;
  const queries = await findQueries(evaluation, dataset, searched, wanted);
  const spare = queries.some(({ own }) => own !== undefined) ? 1 : 0;
  if (count + spare > searched.count) {
    throw new UserError(`--count ${count}: ${path} has ${searched.count} images to search; take fewer`, 2);
  }
  const bank = await evaluation.features(searched, 'searched');
  const asked = await evaluation.features(querySet(searched, queries), 'queries', { cache: false });
  const found = await nearestRows(evaluation.state, bank, asked, dimensions, count + spare);
  const answers = queries.map(({ own }, q) =>
    Array.from({ length: found.k }, (_, i) => q * found.k + i)
      .map((at) => ({ image: found.rows[at], similarity: found.similarities[at] }))
      .filter(({ image }) => image !== own)
      .slice(0, count),
  );
  const classOf = (image: number) => (searched.labels ? searched.classNames?.[searched.labels[image]] : undefined);
  const fileOf = (image: number) => searched.files?.[image] ?? String(image);
  const chart = await imageRows(
    'Queries, and the nearest images by cosine similarity',
    queries.map(({ pixels, className }, q) => ({
      tiles: [
        { pixels, caption: ['query', ...(searched.labels ? [className ?? ''] : [])] },
        ...answers[q].map(({ image, similarity }) => ({
          pixels: read(searched, image),
          caption: [decimal(similarity, 3), ...(searched.labels ? [classOf(image) ?? ''] : [])],
        })),
      ],
    })),
  );
  return {
    title: `nearest of ${searched.count} images by cosine similarity; the figure has the query first in each row`,
    header: ['query', 'rank', 'image', 'class', 'similarity'],
    rows: queries.flatMap(({ name }, q) =>
      answers[q].map(({ image, similarity }, rank) => [
        rank === 0 ? name : '',
        String(rank + 1),
        fileOf(image),
        classOf(image) ?? '',
        decimal(similarity, 4),
      ]),
    ),
    notes: [],
    json: {
      ...evaluation.facts(),
      data: path,
      searched: searched.count,
      results: queries.map(({ name }, q) => ({
        query: name,
        neighbors: answers[q].map(({ image, similarity }) => ({
          image,
          file: fileOf(image),
          class: classOf(image) ?? null,
          similarity,
        })),
      })),
    },
    files: chartFiles('neighbors', chart),
  };
}

async function findQueries(
  { file: { imageSize } }: Evaluation,
  { probe }: Dataset,
  searched: ImageSet,
  wanted: readonly string[],
): Promise<Query[]> {
  const set = probe?.test ?? searched;
  const spread = Array.from({ length: Math.min(fewQueries, set.count) }, (_, i) =>
    Math.floor((i * set.count) / fewQueries),
  );
  const queries: Query[] = [];
  for (const text of wanted.length > 0 ? wanted : spread.map(String)) {
    if (/^\d+$/.test(text)) {
      const i = Number(text);
      if (i >= set.count) throw new UserError(`--query ${text}: ${set.name} has images 0 to ${set.count - 1}`, 2);
      const name = set.files?.[i] ?? `image ${i}`;
      const className = set.labels && set.classNames?.[set.labels[i]];
      queries.push({ name, className, own: set === searched ? i : undefined, pixels: read(set, i) });
    } else {
      if (!existsSync(text)) {
        throw new UserError(`--query ${text}: no such file; give a PNG or JPEG file, or the number of an image`);
      }
      const pixels = await decodeRefused(text, imageSize).catch((error: unknown) => {
        throw new UserError(
          `--query ${text}: cannot be read as a picture (${shortReason(error)}); give a PNG or JPEG file, or a number`,
        );
      });
      queries.push({ name: basename(text), className: undefined, own: undefined, pixels });
    }
  }
  return queries;
}

function querySet(like: ImageSet, queries: readonly Query[]): ImageSet {
  const { height, width } = like;
  const store = new PixelStore(queries.length, imageBytes(like));
  for (const [i, { pixels }] of queries.entries()) store.slot(i).set(pixels);
  return storedSet({ name: 'queries', count: queries.length, height, width, skipped: [] }, store);
}

function read(set: ImageSet, i: number): Uint8Array {
  const pixels = new Uint8Array(imageBytes(set));
  set.read(i, pixels, 0);
  return pixels;
}
