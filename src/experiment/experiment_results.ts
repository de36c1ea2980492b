/** What an experiment found: the numbers of every stage, and the table that is made of them. */

import { z } from 'zod';
import { meanAndDeviation, type Statistic } from '../analysis/probe.ts';
import { measured } from '../io/checked.ts';
import type { EncoderDigest } from '../train/supervised_encoder.ts';

/** The three models of the published experiment, and a control: the linear head on an encoder that was never trained. */
export const modelNames = ['baseline', 'frozen', 'transfer', 'random'] as const;
export type ModelName = (typeof modelNames)[number];

/** An epoch of a ten-class model. Accuracies are shares, 0 to 1; losses are in nats. */
export interface ModelEpoch {
  readonly epoch: number;
  readonly trainLoss: number;
  readonly trainAccuracy: number;
  readonly testLoss: number;
  readonly testAccuracy: number;
  /** Mean of the classes' own test accuracies; stages of earlier versions did not measure it. */
  readonly testBalancedAccuracy?: number;
  readonly imagesPerSecond: number;
}

export interface ModelResult {
  readonly classes: number;
  /** Numbers of the network, and how many of them training changes. */
  readonly parameters: number;
  readonly trained: number;
  readonly epochs: readonly ModelEpoch[];
  /** The last epoch counts; the best on the test split is shown beside it. */
  readonly last: ModelEpoch;
  readonly best: ModelEpoch;
  readonly stepsPerEpoch: number;
  /** SHA-256 of the encoder's values before and after training. */
  readonly encoder: { readonly before: EncoderDigest; readonly after: EncoderDigest };
  readonly wallSeconds: number;
}

/** The two encoders that linear probes compare. */
export const probedEncoders = ['pretrained', 'random'] as const;

const score = z
  .object({
    loss: measured(),
    accuracy: z.number(),
    /** Probes of earlier versions have none. */
    balancedAccuracy: z.number().optional(),
  })
  .readonly();

/** A linear probe: standardised features, L-BFGS, λ chosen on a held-out part of train. Losses in nats, accuracies are shares. */
const linearProbe = z.object({
  /** Strength of the L2 penalty λ/2 ‖W‖², and the candidates with their accuracies on the held-out part. */
  lambda: z.number(),
  tried: z.array(z.object({ value: z.number(), accuracy: z.number(), loss: measured() }).readonly()).readonly(),
  iterations: z.number(),
  converged: z.boolean(),
  train: score,
  test: score,
});
export type LinearProbe = Readonly<z.infer<typeof linearProbe>>;

export const probesSchema = z.object({ pretrained: linearProbe.readonly(), random: linearProbe.readonly() });
export type Probes = Readonly<Record<(typeof probedEncoders)[number], LinearProbe>>;

export interface PretrainingEpoch {
  readonly epoch: number;
  readonly step: number;
  readonly loss: number;
  /** The loss of guessing (SimCLR's log(2N − 1)), and what the method logs as accuracy, where it has them. */
  readonly chance?: number;
  readonly accuracy?: number;
  readonly imagesPerSecond: number;
  /** Accuracy of nearest neighbours in the features, in epochs that measured it. */
  readonly knn?: number;
}

/** Cosine similarities of eight fixed pairs after `step` steps. */
export const similarityStage = z.object({
  step: z.number().int().min(0),
  positives: measured(),
  negatives: measured(),
  /** [16, 16], half-split: view 1 of all samples, then view 2. */
  similarity: z.array(measured()).readonly(),
});
export type SimilarityStage = Readonly<z.infer<typeof similarityStage>>;

export interface PretrainingResult {
  readonly seed: number;
  readonly checkpoint: string;
  /** Steps done. */
  readonly steps: number;
  readonly epochs: readonly PretrainingEpoch[];
  /** kNN accuracy with the first weights, where it was measured. */
  readonly untrainedKnn?: number;
  readonly similarity: readonly SimilarityStage[];
  /** Time in training steps: images over throughput, epoch by epoch. */
  readonly seconds: number;
  /** Of all processes that worked on it, compiling and figures included; not there where nobody measured it. */
  readonly wallSeconds?: number;
}

/** The labelled stages with one seed, on one fold of the training split or (null) on all of it. */
export interface LabelledRun {
  readonly seed: number;
  readonly fold: number | null;
  readonly models: Readonly<Record<ModelName, ModelResult>>;
  /** What pre-training is worth is read off these. */
  readonly probes: Probes;
}

export interface TableRow {
  readonly model: ModelName;
  readonly trainLoss: Statistic;
  readonly trainAccuracy: Statistic;
  readonly testLoss: Statistic;
  readonly testAccuracy: Statistic;
  /** Of the classes' own test accuracies; not there where a stage of an earlier version did not measure it. */
  readonly testBalancedAccuracy?: Statistic;
  readonly bestTestAccuracy: Statistic;
  /** The epoch of the best test accuracy in each run. */
  readonly bestEpochs: readonly number[];
  /** Differences to the baseline of the same seed and fold. */
  readonly testLossDifference: Statistic;
  readonly testAccuracyDifference: Statistic;
}

/** Answering the most frequent class of train always, with its accuracy on the test images. */
export interface Majority {
  readonly class: string;
  readonly accuracy: number;
  /** All classes have equally many test images: accuracy and balanced accuracy are one number. */
  readonly balanced: boolean;
}

export interface Findings {
  /** The three models, the best test accuracy first. */
  readonly order: readonly ModelName[];
  /** Whether transfer > frozen > baseline, the order published for STL-10; only there. */
  readonly asPublished?: boolean;
  readonly transferOverFrozen: Statistic;
  readonly frozenOverBaseline: Statistic;
  /** Test accuracies of the linear probes, and what pre-training is worth: their difference, run by run. */
  readonly probePretrained: Statistic;
  readonly probeRandom: Statistic;
  readonly pretrainedOverRandom: Statistic;
}

/** Of several runs: their mean, and with two or more their standard deviation (n − 1). */
export function statistic(values: readonly number[]): Statistic {
  const { mean, deviation } = meanAndDeviation(values);
  return { mean, deviation: values.length < 2 ? null : deviation };
}

/** A row for each model: numbers of the last epoch over all runs. */
export function resultTable(runs: readonly LabelledRun[]): TableRow[] {
  return modelNames.map((model) => {
    const over = (value: (run: LabelledRun) => number) => statistic(runs.map(value));
    const last = (run: LabelledRun) => run.models[model].last;
    return {
      model,
      trainLoss: over((run) => last(run).trainLoss),
      trainAccuracy: over((run) => last(run).trainAccuracy),
      testLoss: over((run) => last(run).testLoss),
      testAccuracy: over((run) => last(run).testAccuracy),
      ...(runs.every((run) => last(run).testBalancedAccuracy !== undefined) && {
        testBalancedAccuracy: over((run) => last(run).testBalancedAccuracy!),
      }),
      bestTestAccuracy: over((run) => run.models[model].best.testAccuracy),
      bestEpochs: runs.map((run) => run.models[model].best.epoch),
      testLossDifference: over((run) => last(run).testLoss - run.models.baseline.last.testLoss),
      testAccuracyDifference: over((run) => last(run).testAccuracy - run.models.baseline.last.testAccuracy),
    };
  });
}

/**
 * Says from the numbers which model is better, and by how much.
 * @param compared whether there are published numbers for these images
 */
export function findings(runs: readonly LabelledRun[], compared: boolean): Findings {
  const accuracy = (run: LabelledRun, model: ModelName) => run.models[model].last.testAccuracy;
  const mean = (model: ModelName) => statistic(runs.map((run) => accuracy(run, model))).mean;
  const difference = (a: ModelName, b: ModelName) => statistic(runs.map((run) => accuracy(run, a) - accuracy(run, b)));
  const three = modelNames.filter((model) => model !== 'random');
  return {
    order: three.toSorted((a, b) => mean(b) - mean(a)),
    ...(compared && { asPublished: mean('transfer') > mean('frozen') && mean('frozen') > mean('baseline') }),
    transferOverFrozen: difference('transfer', 'frozen'),
    frozenOverBaseline: difference('frozen', 'baseline'),
    probePretrained: statistic(runs.map(({ probes }) => probes.pretrained.test.accuracy)),
    probeRandom: statistic(runs.map(({ probes }) => probes.random.test.accuracy)),
    pretrainedOverRandom: statistic(
      runs.map(({ probes }) => probes.pretrained.test.accuracy - probes.random.test.accuracy),
    ),
  };
}
