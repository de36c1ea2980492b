/** Whether a training learns anything: what it looks like when it does not, told as warnings. */

import { describeDuplicates, findDuplicates } from '../data/duplicates.ts';
import { type ImageSet, isImageSet, readable } from '../data/images.ts';
import { epochSteps } from '../data/order.ts';
import type { SampleSet } from '../data/samples.ts';
import { copiesOf, isTextSet } from '../data/texts.ts';
import { counted } from '../io/counted.ts';
import type { Chance, Learner, Metric } from './method.ts';

type Healthy = NonNullable<Metric['healthy']>;

/** Something that makes a training worthless, or images unfit for it. */
export interface TrainWarning {
  readonly kind: 'duplicates' | 'unfit' | 'collapse' | 'chance';
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
/** The loss counts as at chance above this share of what guessing gives, over an epoch, or over this many steps where it is shorter. */
export const chanceShare = 0.99;
const chanceSteps = 50;
const generalRemedy = 'change the learning rate, use weaker augmentation, or give more and more varied images';

/** What a step showed. */
export interface Observed {
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Follows the steps of one training. */
export class Health {
  /** The measure of spread in the last steps. */
  private readonly recent: number[] = [];
  private readonly spread: { readonly name: string; readonly healthy: Healthy } | undefined;
  private loss = 0;
  private steps = 0;
  private readonly current = new Map<TrainWarning['kind'], TrainWarning>();
  /** What is observed was warned of before. */
  private recalling = false;

  constructor(
    private readonly set: SampleSet,
    private readonly batchSize: number,
    private readonly learner: Pick<Learner, 'metrics' | 'chance' | 'discriminatesImages' | 'unfit'>,
    private readonly onWarning: (warning: TrainWarning) => void,
  ) {
    const [name, metric] = Object.entries(learner.metrics ?? {}).find(([, { healthy }]) => healthy) ?? [];
    if (name !== undefined && metric?.healthy) this.spread = { name, healthy: metric.healthy };
  }

  /** Warns of images that the method learns little of. */
  checkImages(): void {
    const { set, learner } = this;
    if (isTextSet(set) && learner.discriminatesImages) this.warnOfCopies(set, copiesOf(set));
    if (!isImageSet(set)) return;
    const images = readable(set);
    const unfit = learner.unfit?.(images);
    if (unfit) this.onWarning({ kind: 'unfit', step: 0, ...unfit });
    if (learner.discriminatesImages) this.checkCopies(images);
  }

  /** Looks for copies among images that are to be told apart: reads each once. */
  private checkCopies(set: ImageSet): void {
    const { batchSize } = this;
    const found = findDuplicates(set);
    if (found.copies === 0) return;
    const repeated = found.distinct < batchSize;
    const warning: TrainWarning = {
      kind: 'duplicates',
      step: 0,
      message: `${set.name}: ${describeDuplicates(set, found)}; a copy is contrasted with its original as if it showed something else`,
      remedy: repeated ? `give at least as many different images as a batch has (${batchSize})` : 'remove the copies',
    };
    // With fewer different images than a batch takes, every batch has copies: nothing can be learnt of telling images apart.
    if (repeated) this.current.set('duplicates', warning);
    this.onWarning(warning);
  }

  /** The same of texts, where copies are exact. */
  private warnOfCopies({ name, count }: SampleSet, copies: number): void {
    if (copies === 0) return;
    this.onWarning({
      ...{ kind: 'duplicates', step: 0 },
      message: `${name}: ${copies} of ${counted(count, 'text')} ${copies === 1 ? 'is a copy' : 'are copies'} of another; a copy is contrasted with its original as if it said something else`,
      remedy: 'remove the copies',
    });
  }

  /** Notes what a step showed; warns once of each fault, and again if it comes back. */
  observe(step: number, { loss, metrics }: Observed): void {
    if (this.spread) this.judgeSpread(step, metrics[this.spread.name], this.spread.healthy);
    if (!Number.isFinite(loss)) return; // a step that f16 skips
    this.loss += loss;
    this.steps++;
    if (this.steps >= Math.max(chanceSteps, this.perEpoch)) this.judgeLoss(step);
  }

  private get perEpoch(): number {
    return epochSteps(this.set, this.batchSize);
  }

  /** Observes the steps that a run took before it was resumed, from the first on: what was to be warned of has been. */
  recall(steps: Iterable<Observed & { readonly step: number }>): void {
    this.recalling = true;
    for (const { step, ...values } of steps) this.observe(step, values);
    this.recalling = false;
  }

  private judgeSpread(step: number, spread: number, healthy: Healthy): void {
    const { recent } = this;
    recent.push(spread);
    if (recent.length < collapsedSteps) return;
    const warning = collapse(step, recent.reduce((a, b) => a + b) / recent.length, healthy);
    recent.shift();
    if (warning) this.raise(warning);
    else this.current.delete('collapse');
  }

  private judgeLoss(step: number): void {
    const { chance } = this.learner;
    const judged = chance && step > (chance.patience ?? 0) * this.perEpoch;
    const warning = judged && atChance(step, this.loss / this.steps, this.steps, chance);
    this.loss = this.steps = 0;
    if (warning) this.raise(warning);
    else this.current.delete('chance');
  }

  private raise(warning: TrainWarning): void {
    const known = this.current.has(warning.kind);
    this.current.set(warning.kind, warning);
    if (!known && !this.recalling) this.onWarning(warning);
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
function collapse(step: number, spread: number, { value, formula }: Healthy): TrainWarning | undefined {
  if (!(spread < collapsedShare * value)) return undefined;
  return {
    kind: 'collapse',
    step,
    message: `the embeddings have collapsed, all images look alike: standard deviation ${spread.toFixed(4)}, healthy is about ${formula} = ${value.toFixed(4)}`,
    remedy: 'start again with a lower learning rate or a longer warm-up',
  };
}

/** Undefined where the loss is below chance. */
function atChance(
  step: number,
  loss: number,
  steps: number,
  { loss: guessed, formula, meaning, remedy = generalRemedy }: Chance,
): TrainWarning | undefined {
  if (loss < chanceShare * guessed) return undefined;
  return {
    kind: 'chance',
    step,
    message: `the loss is at chance: ${loss.toFixed(4)} over ${counted(steps, 'step')}, ${formula} is ${guessed.toFixed(4)}; ${meaning}`,
    remedy,
  };
}
