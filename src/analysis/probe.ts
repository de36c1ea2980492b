/** The linear probe: features standardised, strength of the penalty (or learning rate) chosen on a held-out part of train. */

import { epochOrder } from '../data/order.ts';
import { UserError } from '../errors.ts';
import { counted } from '../io/counted.ts';
import { accuracyOf, fitLbfgs, fitSgd, type LinearModel, predict, type Samples, score } from './logistic.ts';

/** How `trainProbe` trains a linear classifier, and what it chooses from. */
export interface ProbeOptions {
  readonly solver: 'lbfgs' | 'sgd';
  /** Strengths λ of the L2 penalty λ/2 ‖W‖² to choose from (L-BFGS); SGD takes the first. */
  readonly l2: readonly number[];
  /** Learning rates to choose from (SGD). */
  readonly lr: readonly number[];
  readonly epochs: number;
  readonly batchSize: number;
  readonly momentum: number;
  /** Share of each class of train that is held out while choosing. */
  readonly holdOut: number;
  readonly seed: number;
}

/** No element of the gradient of the mean loss is larger at the end: scikit-learn's default. */
const tolerance = 1e-4;

export const probeDefaults: ProbeOptions = {
  solver: 'lbfgs',
  l2: [100, 10, 1, 1e-1, 1e-2, 1e-3, 1e-4],
  lr: [0.01, 0.03, 0.1, 0.3, 1],
  epochs: 100,
  batchSize: 256,
  momentum: 0.9,
  holdOut: 0.2,
  seed: 1,
};

/** Features with classes. */
export interface LabelledFeatures {
  /** [rows, dimensions] */
  readonly features: Float32Array;
  readonly labels: ArrayLike<number>;
}

/** A trained probe: how features are standardised, and the classifier behind it. */
export interface Probe {
  readonly mean: Float64Array;
  readonly scale: Float64Array;
  readonly model: LinearModel;
  /** What was chosen among: each candidate with its accuracy on the held-out part; empty where there was one only. */
  readonly tried: readonly { readonly value: number; readonly accuracy: number; readonly loss: number }[];
  /** λ, or the learning rate. */
  readonly chosen: number;
  /** There were several candidates, but no class had two images, so that none could be held out: the middle one was taken. */
  readonly unchosen: boolean;
}

/** Mean and 1 / deviation of each feature over the rows; a feature that never changes keeps scale 1. */
export function standardisation(features: Float32Array, dimensions: number): Pick<Probe, 'mean' | 'scale'> {
  const rows = features.length / dimensions;
  const mean = new Float64Array(dimensions);
  const scale = new Float64Array(dimensions);
  features.forEach((value, i) => {
    mean[i % dimensions] += value / rows;
  });
  features.forEach((value, i) => {
    scale[i % dimensions] += (value - mean[i % dimensions]) ** 2 / rows;
  });
  for (let d = 0; d < dimensions; d++) scale[d] = scale[d] > 1e-20 ? 1 / Math.sqrt(scale[d]) : 1;
  return { mean, scale };
}

/** (features − mean) · scale. */
export function standardise({ mean, scale }: Pick<Probe, 'mean' | 'scale'>, features: Float32Array): Float32Array {
  const dimensions = mean.length;
  return features.map((value, i) => (value - mean[i % dimensions]) * scale[i % dimensions]);
}

/**
 * Trains a probe on `train`. Candidates are compared on a part of train that is held out class by class: penalties by loss, as the accuracy
 * on the few images that are held out of a small set is a matter of luck, learning rates by accuracy and of equals by loss. The winner is
 * then trained on all of it; nothing of a test set comes in. With one image of each class nothing can be held out: the middle candidate is
 * taken. When the signal is aborted, also in the middle of a fit, its reason is thrown.
 */
export async function trainProbe(
  train: LabelledFeatures,
  dimensions: number,
  classes: number,
  given: Partial<ProbeOptions> = {},
  signal?: AbortSignal,
): Promise<Probe> {
  const options = { ...probeDefaults, ...given };
  const candidates = options.solver === 'lbfgs' ? options.l2.toSorted((a, b) => b - a) : options.lr;
  const table = standardisation(train.features, dimensions);
  const samples = { x: standardise(table, train.features), labels: train.labels };
  const parts = candidates.length > 1 ? holdOut(samples, dimensions, options) : undefined;
  const tried: Candidate[] = [];
  for (const value of parts ? candidates : []) {
    // The minimum of a strong penalty is near that of the next weaker one.
    const model = await fitOne(parts!.kept, dimensions, classes, value, options, tried.at(-1)?.model, signal);
    tried.push({ value, model, ...score(model, parts!.held) });
  }
  const better = (a: Candidate, b: Candidate) => {
    const equal = options.solver === 'lbfgs' || b.accuracy === a.accuracy;
    return equal ? (b.loss < a.loss ? b : a) : b.accuracy > a.accuracy ? b : a;
  };
  const best = tried.length > 0 ? tried.reduce(better) : undefined;
  const chosen = best?.value ?? middle(candidates);
  const model = await fitOne(samples, dimensions, classes, chosen, options, best?.model, signal);
  const shown = tried.map(({ value, accuracy, loss }) => ({ value, accuracy, loss }));
  return { ...table, model, tried: shown, chosen, unchosen: candidates.length > 1 && !best };
}

/** A fit to what is not held out, and how it does on what is. */
interface Candidate {
  readonly value: number;
  readonly model: LinearModel;
  readonly accuracy: number;
  readonly loss: number;
}

/** The middle one by size; of two in the middle the larger. */
const middle = (values: readonly number[]): number =>
  values.toSorted((a, b) => b - a)[Math.floor((values.length - 1) / 2)];

function fitOne(
  samples: Samples,
  dimensions: number,
  classes: number,
  value: number,
  options: ProbeOptions,
  start: LinearModel | undefined,
  signal: AbortSignal | undefined,
): Promise<LinearModel> {
  if (options.solver === 'lbfgs')
    return fitLbfgs(samples, dimensions, classes, { l2: value, start, tolerance, signal });
  const { epochs, batchSize, momentum, seed, l2 } = options;
  return fitSgd(samples, dimensions, classes, { lr: value, l2: l2[0], epochs, batchSize, momentum, seed, signal });
}

/** A part of each class (at least one image, and at least one stays), or undefined where no class has two. */
function holdOut({ x, labels }: Samples, dimensions: number, { holdOut: share, seed }: ProbeOptions) {
  const held: number[] = [];
  const kept: number[] = [];
  for (const rows of byClass(labels)) {
    const order = Array.from(epochOrder(rows.length, seed, 0), (i) => rows[i]);
    const count = rows.length > 1 ? Math.min(rows.length - 1, Math.max(1, Math.round(share * rows.length))) : 0;
    held.push(...order.slice(0, count));
    kept.push(...order.slice(count));
  }
  if (held.length === 0) return undefined;
  const pick = (rows: number[]): Samples => ({
    x: pickRows(
      x,
      rows.sort((a, b) => a - b),
      dimensions,
    ),
    labels: rows.map((row) => labels[row]),
  });
  return { held: pick(held), kept: pick(kept) };
}

/** Rows of each class, by class; classes without rows are left out. */
export function byClass(labels: ArrayLike<number>): number[][] {
  const rows: number[][] = [];
  for (let i = 0; i < labels.length; i++) (rows[labels[i]] ??= []).push(i);
  return rows.filter((list) => list !== undefined);
}

/** Rows of a matrix, in that order. */
export function pickRows(x: Float32Array, rows: ArrayLike<number>, dimensions: number): Float32Array {
  const picked = new Float32Array(rows.length * dimensions);
  for (let i = 0; i < rows.length; i++) {
    picked.set(x.subarray(rows[i] * dimensions, (rows[i] + 1) * dimensions), i * dimensions);
  }
  return picked;
}

/** The features and classes of some rows. */
export const pickLabelled = (
  { features, labels }: LabelledFeatures,
  rows: ArrayLike<number>,
  dimensions: number,
): LabelledFeatures => ({
  features: pickRows(features, rows, dimensions),
  labels: Array.from(rows, (row) => labels[row]),
});

/** Predicted classes of features. */
export const probePredict = (probe: Probe, features: Float32Array): Int32Array =>
  predict(probe.model, standardise(probe, features));

/** Cross-entropy and accuracies of a probe. */
export const probeScore = (probe: Probe, { features, labels }: LabelledFeatures): ReturnType<typeof score> =>
  score(probe.model, { x: standardise(probe, features), labels });

/** Accuracy within each class; NaN for a class without images. */
export function accuracyByClass(predicted: ArrayLike<number>, labels: ArrayLike<number>, classes: number): number[] {
  const rows = Array.from({ length: classes }, () => [] as number[]);
  for (let i = 0; i < labels.length; i++) rows[labels[i]].push(i);
  return rows.map((list) =>
    list.length === 0
      ? Number.NaN
      : accuracyOf(
          list.map((i) => predicted[i]),
          list.map((i) => labels[i]),
        ),
  );
}

/** Of several values: their mean and their sample deviation (n − 1), null where one value is not to show one. */
export interface Statistic {
  readonly mean: number;
  readonly deviation: number | null;
}

/** The same with a number in any case: 0 for one value. */
export interface SampleStatistic extends Statistic {
  readonly deviation: number;
}

export function meanAndDeviation(values: readonly number[]): SampleStatistic {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0 };
}

/**
 * `perClass` rows of every class, drawn by the seed and in ascending order.
 * @param count how many rows of a class with that many rows
 */
export function drawPerClass(labels: ArrayLike<number>, count: (rows: number) => number, seed: number): Uint32Array {
  const chosen: number[] = [];
  byClass(labels).forEach((rows, label) => {
    const wanted = count(rows.length);
    if (wanted > rows.length)
      throw new UserError(`${counted(wanted, 'image')} per class requested, but class ${label} has ${rows.length}`);
    const order = epochOrder(rows.length, seed, label);
    for (let i = 0; i < wanted; i++) chosen.push(rows[order[i]]);
  });
  return Uint32Array.from(chosen).sort();
}
