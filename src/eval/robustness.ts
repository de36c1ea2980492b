/** How probes of clean features do on damaged pictures. */

import { nearestRows, voteOfNearest } from '../analysis/knn.ts';
import {
  meanAndDeviation,
  type Probe,
  type ProbeOptions,
  probeDefaults,
  probePredict,
  trainProbe,
} from '../analysis/probe.ts';
import { majorityBaseline, recognition } from '../analysis/recognition.ts';
import { type ImageSet, subset } from '../data/images.ts';
import { epochOrder } from '../data/order.ts';
import { percent } from '../report/numbers.ts';
import { lineChart } from '../report/plot.ts';
import { type Corruption, corrupt, corruptionNames, strengths, strengthUnit } from './corruptions.ts';
import { type Evaluation, type Outcome, outcome } from './evaluation.ts';
import { oneKnn } from './knn.ts';
import { baselineNotes, dataFacts, type LabelledSets } from './labelled_sets.ts';
import { unchosenNote } from './linear.ts';

const levels = [1, 2, 3, 4, 5] as const;

export interface RobustnessSettings extends Partial<ProbeOptions> {
  /** At most so many test images, drawn by the seed; 0: all. */
  readonly images: number;
  readonly seed: number;
  readonly onCorruption?: (done: number, total: number) => void;
}

/** Shares of the test images that are recognised. */
interface Accuracies {
  readonly linear: number;
  readonly knn: number;
  /** The means over the classes. */
  readonly balanced: { readonly linear: number; readonly knn: number };
}

interface Damaged extends Accuracies {
  readonly corruption: Corruption;
  readonly level: number;
  readonly strength: number;
}

/** `simclr eval robustness`: probes that were trained on clean features, tested on damaged pictures. */
export async function evalRobustness(
  evaluation: Evaluation,
  path: string,
  { images: most, onCorruption, ...given }: RobustnessSettings,
): Promise<Outcome> {
  const sets = await evaluation.sets(path);
  const settings = { ...probeDefaults, ...given };
  const tester = await Tester.train(evaluation, sets, settings);
  const drawn = epochOrder(sets.test.count, settings.seed, 0).slice(0, most || undefined);
  const test = subset(sets.test, drawn.sort());
  const clean = await tester.accuracies(test, 'clean');
  const results: Damaged[] = [];
  for (const corruption of corruptionNames) {
    for (const level of levels) {
      const damaged = await corrupt(test, corruption, level, settings.seed);
      const strength = strengths(corruption, test.height)[level - 1];
      results.push({ corruption, level, strength, ...(await tester.accuracies(damaged, `${corruption} ${level}`)) });
      onCorruption?.(results.length, corruptionNames.length * levels.length);
    }
  }
  const { probe, k } = tester;
  const shown = { ...sets, test, majority: majorityBaseline(sets.train.labels!, test.labels!) };
  const notes = [...baselineNotes(shown), ...(probe.unchosen ? [unchosenNote(settings, probe.chosen)] : [])];
  const table = robustnessTable(clean, results, shown, k, notes);
  const json = {
    ...dataFacts({ ...shown, test: sets.test }),
    settings,
    chosen: probe.chosen,
    images: test.count,
    k,
    clean,
    results,
  };
  return outcome(evaluation, 'robustness', table, json, await robustnessChart(clean, results, shown));
}

/** A linear probe and nearest neighbours, both of clean training images. */
class Tester {
  private constructor(
    private readonly evaluation: Evaluation,
    private readonly train: { features: Float32Array; labels: ArrayLike<number> },
    readonly probe: Probe,
    readonly k: number,
  ) {}

  static async train(evaluation: Evaluation, sets: LabelledSets, options: ProbeOptions): Promise<Tester> {
    const train = { features: await evaluation.features(sets.train, 'train'), labels: sets.train.labels! };
    const probe = await trainProbe(train, evaluation.dimensions, sets.classes, options);
    return new Tester(evaluation, train, probe, Math.min(oneKnn.k, sets.train.count));
  }

  async accuracies(set: ImageSet, name: string): Promise<Accuracies> {
    const { evaluation, train, probe, k } = this;
    const { temperature } = oneKnn;
    const features = await evaluation.features(set, name, { cache: false });
    const neighbours = await nearestRows(evaluation.state, train.features, features, evaluation.dimensions, k);
    const linear = recognition(probePredict(probe, features), set.labels!);
    const knn = recognition(voteOfNearest(neighbours, train.labels, { k, temperature }), set.labels!);
    return {
      ...{ linear: linear.accuracy, knn: knn.accuracy },
      balanced: { linear: linear.balancedAccuracy, knn: knn.balancedAccuracy },
    };
  }
}

const ofKind = (results: readonly Damaged[], name: Corruption) =>
  results.filter(({ corruption }) => corruption === name);

function robustnessTable(
  clean: Accuracies,
  results: readonly Damaged[],
  { test, balanced }: LabelledSets,
  k: number,
  notes: string[],
) {
  const both = ({ linear, knn }: Accuracies['balanced']) => `${percent(linear)} (${percent(knn)})`;
  const mean = (values: readonly number[]) => meanAndDeviation(values).mean;
  return {
    title: `robustness: accuracy in % of the linear probe (and of kNN, k ${k}, τ ${oneKnn.temperature}) trained on clean images, on ${test.count} damaged test images; clean ${both(clean)}${balanced ? '' : `, balanced ${both(clean.balanced)}`}`,
    header: ['damage', ...levels.map((level) => `strength ${level}`), 'mean'],
    rows: corruptionNames.flatMap((name) => {
      const own = ofKind(results, name);
      const row = (title: string, values: readonly Accuracies['balanced'][]) => {
        const means = { linear: mean(values.map(({ linear }) => linear)), knn: mean(values.map(({ knn }) => knn)) };
        return [title, ...values.map(both), both(means)];
      };
      const further = row(
        `${name}, balanced`,
        own.map((one) => one.balanced),
      );
      return [row(name, own), ...(balanced ? [] : [further])];
    }),
    notes: [
      ...corruptionNames.map((name) => `${name}: ${strengths(name, test.height).join(', ')} (${strengthUnit(name)})`),
      ...notes,
    ],
  };
}

const robustnessChart = (clean: Accuracies, results: readonly Damaged[], { majority, classNames }: LabelledSets) =>
  lineChart({
    title: 'Linear probe trained on clean images, tested on damaged ones',
    x: { label: 'strength (0: clean)' },
    y: { label: 'test accuracy / %' },
    series: corruptionNames.map((name) => ({
      name,
      points: [clean, ...ofKind(results, name)].map(({ linear }, level): [number, number] => [level, 100 * linear]),
    })),
    reference: { name: `always '${classNames[majority.label]}'`, y: 100 * majority.accuracy },
    yRange: [0, 100],
  });
