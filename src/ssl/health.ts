/** Whether a training without labels learns anything: what it looks like when it does not, told as warnings. */

import { describeDuplicates, findDuplicates } from '../data/duplicates.ts';
import type { ImageSet } from '../data/images.ts';
import { stepsPerEpoch } from '../data/order.ts';
import { counted } from '../io/counted.ts';

/** Something that makes a training worthless, or images unfit for it. */
export interface TrainWarning {
  readonly kind: 'duplicates' | 'collapse' | 'chance';
  /** The step (from 1) at which it was noticed; 0 before the first. */
  readonly step: number;
  /** One line: what is wrong, in numbers. */
  readonly message: string;
  /** One line: what to do about it. */
  readonly remedy: string;
}

/**
 * Embeddings count as collapsed below this share of 1/√d. The variances of a unit vector's dimensions add up to 1 − c, c the mean
 * cosine similarity of two embeddings, so that a tenth of 1/√d means c ≥ 0.99: all images look alike. Measured on photographs and
 * drawn pictures: 0.65 before training, 0.17 to 0.4 in the
 * first 60 steps of healthy runs (the least in batches of 4), 0.07 of collapsed ones.
 */
export const collapsedShare = 0.1;
/** Steps over which it is averaged: in small batches batch norm lets a collapsed network scatter. */
const collapsedSteps = 20;
/** The loss counts as at chance above this share of log(2N − 1), over an epoch, or over this many steps where it is shorter. */
export const chanceShare = 0.99;
const chanceSteps = 50;

export interface HealthOptions {
  readonly batchSize: number;
  /** Dimensions of an embedding. */
  readonly features: number;
}

interface Observed {
  readonly loss: number;
  readonly embeddingStd: number;
}

/** Follows the steps of one training. */
export class Health {
  /** `embeddingStd` of the last steps. */
  private readonly recent: number[] = [];
  private loss = 0;
  private steps = 0;
  private readonly current = new Map<TrainWarning['kind'], TrainWarning>();

  constructor(
    private readonly set: ImageSet,
    private readonly options: HealthOptions,
    private readonly onWarning: (warning: TrainWarning) => void,
  ) {}

  /** Looks for copies among the images: reads each once. */
  checkImages(): void {
    const { set, options } = this;
    const found = findDuplicates(set);
    if (found.copies === 0) return;
    const repeated = found.distinct < options.batchSize;
    const warning: TrainWarning = {
      kind: 'duplicates',
      step: 0,
      message: `${set.name}: ${describeDuplicates(set, found)}; a copy is contrasted with its original as if it showed something else`,
      remedy: repeated
        ? `give at least as many different images as a batch has (${options.batchSize})`
        : 'remove the copies',
    };
    // With fewer different images than a batch takes, every batch has copies: nothing can be learnt of telling images apart.
    if (repeated) this.current.set('duplicates', warning);
    this.onWarning(warning);
  }

  /** Notes what a step showed; warns once of each fault, and again if it comes back. */
  observe(step: number, { loss, embeddingStd }: Observed): void {
    const { options, set } = this;
    this.judgeSpread(step, embeddingStd);
    if (!Number.isFinite(loss)) return; // a step that f16 skips
    this.loss += loss;
    this.steps++;
    if (this.steps >= Math.max(chanceSteps, stepsPerEpoch(set.count, options.batchSize))) this.judgeLoss(step);
  }

  private judgeSpread(step: number, embeddingStd: number): void {
    const { recent, options } = this;
    recent.push(embeddingStd);
    if (recent.length < collapsedSteps) return;
    const warning = collapse(step, recent.reduce((a, b) => a + b) / recent.length, options);
    recent.shift();
    if (warning) this.raise(warning);
    else this.current.delete('collapse');
  }

  private judgeLoss(step: number): void {
    const warning = chance(step, this.loss / this.steps, this.steps, this.options);
    this.loss = this.steps = 0;
    if (warning) this.raise(warning);
    else this.current.delete('chance');
  }

  private raise(warning: TrainWarning): void {
    const known = this.current.has(warning.kind);
    this.current.set(warning.kind, warning);
    if (!known) this.onWarning(warning);
  }

  /** What is wrong at the end of the steps so far, the gravest fault first; undefined where nothing is, or too few steps were run. */
  atEnd(step: number): TrainWarning | undefined {
    if (this.steps >= chanceSteps) this.judgeLoss(step);
    return (['collapse', 'chance', 'duplicates'] as const)
      .map((kind) => this.current.get(kind))
      .find((warning) => warning !== undefined);
  }
}

/** Undefined where embeddings are spread. */
function collapse(step: number, embeddingStd: number, { features }: HealthOptions): TrainWarning | undefined {
  const healthy = 1 / Math.sqrt(features);
  if (!(embeddingStd < collapsedShare * healthy)) return undefined;
  return {
    kind: 'collapse',
    step,
    message: `the embeddings have collapsed, all images look alike: standard deviation ${embeddingStd.toFixed(4)}, healthy is about 1/√${features} = ${healthy.toFixed(4)}`,
    remedy: 'start again with a lower learning rate or a longer warm-up',
  };
}

/** Undefined where the loss is below chance. */
function chance(step: number, loss: number, steps: number, { batchSize }: HealthOptions): TrainWarning | undefined {
  const atChance = Math.log(2 * batchSize - 1);
  if (loss < chanceShare * atChance) return undefined;
  return {
    kind: 'chance',
    step,
    message: `the loss is at chance: ${loss.toFixed(4)} over ${counted(steps, 'step')}, log(2N−1) is ${atChance.toFixed(4)}; the model does not distinguish views of one image from those of others`,
    remedy: 'change the learning rate, use weaker augmentation, or give more and more varied images',
  };
}
