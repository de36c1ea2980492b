/** What can be learnt from few labels: probes, and fine-tuning where it is wanted. */

import {
  byClass,
  drawPerClass,
  meanAndDeviation,
  type ProbeOptions,
  probeDefaults,
  type SampleStatistic,
} from '../analysis/probe.ts';
import type { Recognition } from '../analysis/recognition.ts';
import { subset } from '../data/images.ts';
import { UserError } from '../errors.ts';
import { percent, percentPlusMinus } from '../report/numbers.ts';
import { barChart } from '../report/plot.ts';
import { deviationNote, type Evaluation, type Outcome, outcome } from './evaluation.ts';
import { type FinetuneSettings, finetuneOn, howTuned, settingsFor } from './finetune.ts';
import { baselineNotes, dataFacts, type LabelledData } from './labelled_sets.ts';
import { type LinearResult, linearOn, unchosenNote } from './linear.ts';
import { consistencyNotes, type Unlabelled, unlabelledBeside } from './unlabelled.ts';

/** Labels of each class, and shares of all labels, that are tried where the set has as many. */
export const lowLabelSteps = { perClass: [10, 20, 50, 100, 200, 500, 1000, 2000, 5000], shares: [0.01, 0.1] } as const;

export interface LowLabelSettings extends Partial<ProbeOptions> {
  /** Subsets that are drawn for each number of labels. */
  readonly subsets: number;
  readonly perClass?: readonly number[];
  readonly shares?: readonly number[];
  /** Fine-tune too. */
  readonly finetune?: FinetuneSettings;
}

interface SubsetStatistic extends SampleStatistic {
  /** Test accuracy of each subset. */
  readonly values: readonly number[];
}

interface Summary extends SubsetStatistic {
  /** The same of balanced test accuracies; NaN where trainings of earlier versions did not measure them. */
  readonly balanced: SubsetStatistic;
}

interface LowLabelResult {
  readonly name: string;
  readonly images: number;
  /** With λ, or the learning rate, of each subset; `unchosen`: see `Probe`. */
  readonly linear: Summary & { readonly chosen: readonly number[]; readonly unchosen: boolean };
  readonly finetune?: Summary;
  /** Photos without labels that fine-tuning learnt from, where it did. */
  readonly unlabelled?: number;
}

/** So many labels. */
interface Step {
  readonly name: string;
  /** The same for names of folders. */
  readonly slug: string;
  /** Images of a class of that many. */
  readonly count: (rows: number) => number;
}

/**
 * `simclr eval low-label`: probes (and fine-tuning, where it is wanted) that learn from few labels of each class. Where a step takes
 * every image there is one subset only, without a deviation.
 */
export async function evalLowLabel(
  evaluation: Evaluation,
  path: string,
  { finetune, ...given }: LowLabelSettings,
): Promise<Outcome> {
  const data = await evaluation.labelled(path);
  const settings = { ...probeDefaults, ...given };
  const steps = stepsFor(data.features.train.labels, settings);
  if (steps.length === 0)
    throw new UserError(`${path}: too few training images of a class for any step; give --labels`, 2);
  const unlabelled = finetune && (await unlabelledBeside(evaluation, data, finetune));
  const tuning = finetune && { ...finetune, unlabelled: unlabelled! };
  // Before anything is trained, it is known whether every step has photos without labels.
  for (const { count } of steps) tuning?.unlabelled(drawPerClass(data.train.labels!, count, settings.seed));
  const results: LowLabelResult[] = [];
  for (const step of steps) results.push(await learnFrom(evaluation, data, step, settings, tuning));
  const plain = lowLabelTable(data, settings, results, howTuned(finetune));
  const photos = results.flatMap((result) => result.unlabelled ?? []);
  const table = { ...plain, notes: [...plain.notes, ...(finetune ? consistencyNotes(finetune, photos) : [])] };
  const tuned = finetune && { finetune: settingsFor(evaluation, finetune) };
  const json = { ...dataFacts(data), settings, ...tuned, results };
  return outcome(evaluation, 'low-label', table, json, await lowLabelChart(results, howTuned(finetune)));
}

/** What is drawn, fewest images first. Steps that draw the same images are one. */
function stepsFor(labels: ArrayLike<number>, wanted: LowLabelSettings): Step[] {
  const sizes = byClass(labels).map(({ length }) => length);
  const drawn = new Map<string, Step>();
  for (const step of [...perClassSteps(Math.min(...sizes), wanted), ...shareSteps(Math.min(...sizes), wanted)]) {
    const key = sizes.map(step.count).join();
    const same = drawn.get(key);
    drawn.set(key, same ? { ...same, name: `${same.name} = ${step.name}` } : step);
  }
  const images = ({ count }: Step) => sizes.reduce((sum, size) => sum + count(size), 0);
  return [...drawn.values()].sort((a, b) => images(a) - images(b));
}

/** @param least images of the smallest class */
function perClassSteps(least: number, { perClass }: LowLabelSettings): Step[] {
  const tooMany = perClass?.find((count) => count > least);
  if (tooMany !== undefined) {
    throw new UserError(`--labels ${tooMany}: a class has only ${least} training images`, 2);
  }
  const counts = perClass ?? lowLabelSteps.perClass.filter((count) => count <= least);
  return counts.map((count) => ({ name: `${count} per class`, slug: `${count}-a-class`, count: () => count }));
}

function shareSteps(least: number, { shares }: LowLabelSettings): Step[] {
  const tooFew = shares?.find((share) => Math.round(share * least) < 1);
  if (tooFew !== undefined) {
    throw new UserError(
      `--shares ${tooFew}: is less than one image of a class with ${least}; give ${Math.ceil(1e4 / (2 * least)) / 1e4} or more`,
      2,
    );
  }
  const parts = shares ?? lowLabelSteps.shares.filter((share) => share * least >= 1);
  return parts.map((share) => {
    const part = Number((100 * share).toPrecision(3));
    const count = (rows: number) => Math.max(1, Math.round(share * rows));
    return { name: `${part} %`, slug: `${part}-percent`, count };
  });
}

/** Draws the subsets of a step and trains on each. */
async function learnFrom(
  evaluation: Evaluation,
  data: LabelledData,
  { name, slug, count }: Step,
  settings: ProbeOptions & LowLabelSettings,
  finetune: (FinetuneSettings & { readonly unlabelled: Unlabelled }) | undefined,
): Promise<LowLabelResult> {
  const { labels } = data.features.train;
  const linear: LinearResult[] = [];
  const tuned: Recognition[] = [];
  let images = 0;
  let unlabelled: number | undefined;
  for (let s = 0; s < settings.subsets && images < labels.length; s++) {
    const seed = settings.seed + s;
    const rows = drawPerClass(labels, count, seed);
    images = rows.length;
    linear.push(await linearOn(data, rows, settings, finetune?.signal));
    if (!finetune) continue;
    const sets = { train: subset(data.train, rows), test: data.test, ...finetune.unlabelled(rows) };
    unlabelled = sets.unlabelled?.count;
    const { last } = await finetuneOn(evaluation, sets, finetune, `${slug}-${seed}`);
    tuned.push({ accuracy: last.testAccuracy, balancedAccuracy: last.testBalancedAccuracy ?? Number.NaN });
  }
  const probes = {
    ...summaryOf(linear.map(({ test }) => test)),
    chosen: linear.map(({ chosen }) => chosen),
    unchosen: linear.some(({ unchosen }) => unchosen),
  };
  const summary = finetune && { finetune: summaryOf(tuned), ...(unlabelled !== undefined && { unlabelled }) };
  return { name, images, linear: probes, ...summary };
}

function summaryOf(scores: readonly Recognition[]): Summary {
  const over = (of: keyof Recognition) => {
    const values = scores.map(({ [of]: value }) => value);
    return { ...meanAndDeviation(values), values };
  };
  return { ...over('accuracy'), balanced: over('balancedAccuracy') };
}

/** Its name, and what it reached with each number of labels. */
function methodsOf(results: readonly LowLabelResult[], half: string) {
  const tuned = results.flatMap(({ finetune }) => finetune ?? []);
  return [
    { title: 'linear probe', summaries: results.map(({ linear }): Summary => linear) },
    ...(tuned.length > 0 ? [{ title: `fine-tuned${half}`, summaries: tuned }] : []),
  ];
}

/** A deviation only where there are several values. */
const meanOf = (summary: SubsetStatistic): string =>
  summary.values.length > 1 ? percentPlusMinus(summary) : percent(summary.mean);

function lowLabelTable(
  data: LabelledData,
  settings: ProbeOptions & LowLabelSettings,
  results: readonly LowLabelResult[],
  half: string,
) {
  const methods = methodsOf(results, half);
  const several = results.some(({ linear }) => linear.values.length > 1);
  const whole = several && results.some(({ linear }) => linear.values.length === 1);
  const unchosen = results.filter(({ linear }) => linear.unchosen);
  return {
    title: `few labels: test accuracy in %; test ${data.test.count}`,
    header: [
      ...['labels', 'images'],
      ...methods.flatMap(({ title }) => (data.balanced ? [title] : [title, `${title}, balanced`])),
    ],
    rows: results.map(({ name, images }, i) => [
      name,
      String(images),
      ...methods.flatMap(({ summaries }) =>
        data.balanced ? [meanOf(summaries[i])] : [meanOf(summaries[i]), meanOf(summaries[i].balanced)],
      ),
    ]),
    notes: [
      ...baselineNotes(data),
      several ? deviationNote(`${settings.subsets} subsets${whole ? '; all images: once' : ''}`) : 'drawn once',
      ...unchosen.map(({ name, linear }) => unchosenNote(settings, linear.chosen[0], `${name}: `)),
    ],
  };
}

function lowLabelChart(results: readonly LowLabelResult[], half: string) {
  const subsets = Math.max(...results.map(({ linear }) => linear.values.length));
  return barChart({
    title: subsets > 1 ? `Few labels, mean ± standard deviation of ${subsets} subsets` : 'Few labels',
    x: { label: 'labelled images' },
    y: { label: 'test accuracy / %' },
    categories: results.map(({ name }) => name),
    series: methodsOf(results, half).map(({ title, summaries }) => ({
      name: title,
      values: summaries.map(({ mean }) => 100 * mean),
      ...(subsets > 1 && {
        deviations: summaries.map(({ values, deviation }) => (values.length > 1 ? 100 * deviation : undefined)),
      }),
    })),
    yRange: [0, 100],
  });
}
