/** What a trained encoder is worth: the measures of a row, computed once and kept beside its run. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { drawPerClass, pickRows } from '../analysis/probe.ts';
import { mostPoints, tsne, tsneDefaults } from '../analysis/tsne.ts';
import type { Dataset } from '../data/dataset.ts';
import { type ImageSet, subset } from '../data/images.ts';
import { epochOrder } from '../data/order.ts';
import { unitRows } from '../eval/clusters.ts';
import { Evaluation, type EvaluationEvents } from '../eval/evaluation.ts';
import { finetuneOn } from '../eval/finetune.ts';
import { knnOn, oneKnn } from '../eval/knn.ts';
import { labelFree } from '../eval/label_free.ts';
import { type LabelledSets, labelledSets } from '../eval/labelled_sets.ts';
import { linearOn } from '../eval/linear.ts';
import type { Gpu } from '../gpu/device.ts';
import { measured } from '../io/checked.ts';
import { writeFileAtomic } from '../io/files.ts';
import { readChecked } from '../io/json_files.ts';
import type { LogKind } from '../train/metrics_logs.ts';
import { parseSupervisedSettings, type SupervisedEvents } from '../train/supervised.ts';
import type { Measuring } from './config.ts';

/** A counter of an epoch that no run reaches: the measured images are drawn in its order, by one seed for all rows. */
const drawnEpoch = 0xfffffffc;
const drawnSeed = 1;
/** Images whose views are compared, every one with every other. */
const mostViews = 1000;
const featureBatch = 64;

const recognised = () => z.object({ accuracy: z.number(), balancedAccuracy: measured() });

const measuresSchema = z.object({
  version: z.literal(1),
  /** Of the encoder that was measured. */
  digest: z.string(),
  knn: recognised().optional(),
  linear: recognised().optional(),
  finetuned: recognised().optional(),
  alignment: measured(),
  uniformity: measured(),
  effectiveRank: measured(),
  spread: measured(),
  dimensions: z.number().int(),
  /** Coordinates [points, 2]. */
  map: z.array(z.number()).optional(),
});

export type Measures = Readonly<z.infer<typeof measuresSchema>>;

/** The images that all rows are measured on. */
export interface Measured {
  readonly labelled?: LabelledSets;
  /** Whose features are looked at without their labels: the labelled test images, or images of the training. */
  readonly images: ImageSet;
  /** Images of the maps. */
  readonly mapped: ImageSet;
  /** Labelled training images of the few labels. */
  readonly few?: ImageSet;
}

/** Draws the images that are measured on. */
export function measuredImages(dataset: Dataset, path: string, { images, labels, points }: Measuring): Measured {
  const probe = dataset.probe && { train: draw(dataset.probe.train, images), test: draw(dataset.probe.test, images) };
  const all = probe?.test ?? draw(dataset.train, images);
  const shared = { images: all, mapped: draw(all, points) };
  if (!probe) return shared;
  const labelled = labelledSets({ ...dataset, probe }, path);
  if (labels === 0) return { ...shared, labelled };
  const rows = drawPerClass(labelled.train.labels!, (count) => Math.min(count, labels), drawnSeed);
  return { ...shared, labelled, few: subset(labelled.train, rows) };
}

/** At most so many images of a set. */
const draw = (set: ImageSet, most: number): ImageSet =>
  set.count <= most ? set : subset(set, epochOrder(set.count, drawnSeed, drawnEpoch).slice(0, most).sort());

export interface MeasureEvents extends EvaluationEvents {
  readonly supervised?: SupervisedEvents;
}

export interface MeasureOptions {
  /** A run's checkpoint, or an encoder's file. */
  readonly checkpoint: string;
  /** The row's folder: measures and the fine-tuned model go there. */
  readonly folder: string;
  readonly seed: number;
  readonly precision: 'f32' | 'f16';
  readonly measuring: Measuring;
  readonly events: MeasureEvents;
  readonly signal?: AbortSignal | undefined;
  /** In which other forms the fine-tuning keeps its numbers. */
  readonly log?: readonly LogKind[] | undefined;
}

const fileIn = (folder: string): string => join(folder, 'measures.json');

/** What was measured of the encoder in a folder. UserError: the file is damaged. */
export const knownMeasures = (folder: string): Measures | undefined =>
  existsSync(fileIn(folder))
    ? readChecked(measuresSchema, fileIn(folder), 'delete it: it is then measured again')
    : undefined;

/** The measures of an encoder, from its folder where they are there already. When the signal is aborted, its reason is thrown. */
export async function measure(gpu: Gpu, images: Measured, options: MeasureOptions): Promise<Measures> {
  const { checkpoint, folder, events } = options;
  const settings = { checkpoint, cache: folder, batchSize: featureBatch, events };
  const evaluation = Evaluation.open(gpu, settings);
  try {
    const { digest } = evaluation.file;
    const known = knownMeasures(folder);
    if (known?.digest === digest) return known;
    const features = await evaluation.features(images.images, 'images', { cache: false });
    const found: Measures = {
      version: 1,
      digest,
      ...(images.labelled && (await withLabels(evaluation, images, images.labelled, options))),
      ...(await withoutLabels(evaluation, images, features, options)),
      dimensions: evaluation.dimensions,
    };
    options.signal?.throwIfAborted();
    writeFileAtomic(fileIn(folder), `${JSON.stringify(found)}\n`);
    return found;
  } finally {
    evaluation.destroy();
    gpu.trim();
  }
}

async function withLabels(
  evaluation: Evaluation,
  { few }: Measured,
  sets: LabelledSets,
  { folder, seed, precision, measuring, events, signal, log }: MeasureOptions,
) {
  const data = await evaluation.withFeatures(sets, { cache: false });
  const rows = Uint32Array.from({ length: sets.train.count }, (_, i) => i);
  const k = Math.min(oneKnn.k, rows.length);
  const [[knn]] = await knnOn(evaluation, data, rows, [k], [oneKnn.temperature]);
  const { test } = await linearOn(data, rows, { seed }, signal);
  const found = { knn, linear: { accuracy: test.accuracy, balancedAccuracy: test.balancedAccuracy } };
  if (!few) return found;
  const { epochs, batchSize } = measuring;
  const supervised = parseSupervisedSettings({ epochs, batchSize, seed, precision });
  const training = { supervised, folder: join(folder, 'finetune'), events: events.supervised, signal, log };
  const { last } = await finetuneOn(evaluation, { train: few, test: sets.test }, training, 'few-labels');
  const { testAccuracy: accuracy, testBalancedAccuracy: balancedAccuracy = Number.NaN } = last;
  return { ...found, finetuned: { accuracy, balancedAccuracy } };
}

async function withoutLabels(
  evaluation: Evaluation,
  { images, mapped }: Measured,
  features: Float32Array,
  { seed, measuring, signal }: MeasureOptions,
) {
  const { state, dimensions } = evaluation;
  const viewed = draw(images, mostViews);
  const free = await labelFree(evaluation, viewed, features, seed, signal);
  const points = Math.min(mapped.count, measuring.points, mostPoints(state));
  if (points < fewestPoints) return free;
  const rows = Uint32Array.from({ length: points }, (_, i) => i);
  const x = await evaluation.features(mapped, 'map', { cache: false });
  const perplexity = Math.min(tsneDefaults.perplexity, Math.floor((points - 1) / 3));
  const { coordinates } = await tsne(state, unitRows(pickRows(x, rows, dimensions), dimensions), dimensions, {
    perplexity,
  });
  return { ...free, map: Array.from(coordinates, (value) => Number(value.toPrecision(5))) };
}

/** t-SNE needs three neighbours for each that it looks at. */
const fewestPoints = 4;
