/** Evaluations that classify features: linear probe, nearest neighbours, both on another folder. */
import { UserError } from '../errors.ts';
import { nearestRows, voteOfNearest } from '../eval/knn.ts';
import { accuracyOf } from '../eval/logistic.ts';
import {
  accuracyByClass,
  meanAndDeviation,
  type Probe,
  type ProbeOptions,
  pickLabelled,
  probeDefaults,
  probePredict,
  probeScore,
  trainProbe,
} from '../eval/probe.ts';
import { barChart, lineChart } from '../report/plot.ts';
import {
  dataFacts,
  deviationNote,
  dimensions,
  type Evaluation,
  foldsOf,
  type LabelledData,
  type Outcome,
  outcome,
  percent,
  plusMinus,
} from './evaluation.ts';

export interface LinearResult {
  readonly chosen: number;
  readonly tried: Probe['tried'];
  readonly unchosen: Probe['unchosen'];
  readonly iterations: number;
  readonly converged: boolean;
  readonly train: { readonly loss: number; readonly accuracy: number };
  readonly test: { readonly loss: number; readonly accuracy: number };
  readonly byClass: readonly number[];
}

/** Trains a probe on some rows of train and tests it on all of test. When the signal is aborted, its reason is thrown. */
export async function linearOn(
  data: LabelledData,
  rows: ArrayLike<number>,
  options: Partial<ProbeOptions>,
  signal?: AbortSignal,
): Promise<LinearResult> {
  const train = pickLabelled(data.features.train, rows, dimensions);
  const { test } = data.features;
  const probe = await trainProbe(train, dimensions, data.classes, options, signal);
  const { iterations, converged } = probe.model;
  return {
    ...{ chosen: probe.chosen, tried: probe.tried, unchosen: probe.unchosen, iterations, converged },
    train: probeScore(probe, train),
    test: probeScore(probe, test),
    byClass: accuracyByClass(probePredict(probe, test.features), test.labels, data.classes),
  };
}

/** What is chosen on a held-out part of train. */
export const strengthName = ({ solver }: Pick<ProbeOptions, 'solver'>): string =>
  solver === 'lbfgs' ? 'λ' : 'learning rate';

/** A line for the table where one image of a class is all there is; `where` names the rows it is true of. */
export const unchosenNote = (settings: Pick<ProbeOptions, 'solver'>, chosen: number, where = ''): string =>
  `${where}${strengthName(settings)} not chosen (too few images): ${chosen}, the middle one`;

/** A line for the table where the best of several candidates was the first or the last: a better one may lie beyond. */
function edgeNote(settings: Pick<ProbeOptions, 'solver'>, { chosen, tried }: LinearResult): string | undefined {
  const values = tried.map(({ value }) => value);
  if (values.length < 2 || (chosen > Math.min(...values) && chosen < Math.max(...values))) return undefined;
  const flag = settings.solver === 'lbfgs' ? '--l2' : '--probe-lr';
  const end = chosen === Math.max(...values) ? 'largest' : 'smallest';
  return `the ${end} ${strengthName(settings)} was the best; a better one may lie beyond: give others with ${flag}`;
}

/** `simclr eval linear`. */
export async function evalLinear(
  evaluation: Evaluation,
  path: string,
  { folds = false, ...given }: Partial<ProbeOptions> & { folds?: boolean },
): Promise<Outcome> {
  const data = await evaluation.labelled(path);
  const settings = { ...probeDefaults, ...given };
  const results: LinearResult[] = [];
  for (const rows of foldsOf(data, folds)) results.push(await linearOn(data, rows, settings));
  const testAccuracy = meanAndDeviation(results.map(({ test }) => test.accuracy));
  const table = linearTable(data, settings, results, folds);
  const json = { ...dataFacts(data), settings, folds, results, testAccuracy };
  return outcome(evaluation, 'linear', table, json, await classChart(data, results, testAccuracy.mean));
}

function linearTable(data: LabelledData, settings: ProbeOptions, results: readonly LinearResult[], folds: boolean) {
  const name = strengthName(settings);
  const row = (first: string, { chosen, train, test }: LinearResult) => [
    first,
    String(chosen),
    percent(train.accuracy),
    percent(test.accuracy),
    test.loss.toFixed(4),
  ];
  const over = (part: 'train' | 'test') =>
    plusMinus(meanAndDeviation(results.map(({ [part]: { accuracy } }) => accuracy)));
  const means = ['mean ± deviation', '', over('train'), over('test'), ''];
  return {
    title: `linear probe, ${settings.solver === 'lbfgs' ? 'L-BFGS' : 'SGD'}, standardised features; train ${data.train.count}, test ${data.test.count}`,
    header: [folds ? 'fold' : 'train', name, 'train / %', 'test / %', 'test loss'],
    rows: [...results.map((result, i) => row(folds ? String(i + 1) : 'all', result)), ...(folds ? [means] : [])],
    notes: linearNotes(settings, results, folds),
  };
}

function linearNotes(settings: ProbeOptions, results: readonly LinearResult[], folds: boolean): string[] {
  const [first] = results;
  const tried = first.tried.map(({ value, accuracy }) => `${value} → ${percent(accuracy)} %`).join(', ');
  const unfinished = results.filter(({ converged }) => !converged).length;
  const name = strengthName(settings);
  const edge = edgeNote(settings, first);
  return [
    ...(folds ? [deviationNote(`${results.length} folds`)] : []),
    ...(tried ? [`${name} by accuracy on a held-out part of train${folds ? ' (fold 1)' : ''}: ${tried}`] : []),
    ...(edge === undefined ? [] : [edge]),
    ...(first.unchosen ? [unchosenNote(settings, first.chosen)] : []),
    ...(unfinished > 0 ? [`${unfinished} of ${results.length} fits stopped before they had converged`] : []),
  ];
}

/** Accuracy of each class, the mean over the folds; a class without test images has no bar. */
function classChart({ classNames }: LabelledData, results: readonly LinearResult[], accuracy: number) {
  const values = classNames.map((_, c) => 100 * meanAndDeviation(results.map(({ byClass }) => byClass[c])).mean);
  return barChart({
    title: `Linear probe: ${percent(accuracy)} % of the test images`,
    x: { label: 'class' },
    y: { label: 'test accuracy / %' },
    categories: classNames,
    series: [{ name: 'test accuracy', values }],
    yRange: [0, 100],
  });
}

export interface KnnSettings {
  /** Numbers of neighbours; without them, those of `knnDefaults` that there are images for. */
  readonly k?: readonly number[];
  readonly temperatures: readonly number[];
}

/** Of nearest neighbours where they stand beside something else. */
export const oneKnn = { k: 20, temperature: 0.07 } as const;

export const knnDefaults = { k: [1, 5, 10, 20, 50, 100, 200], temperatures: [0.07, 0.1] } as const;

/** Test accuracy by nearest neighbours among some rows of train, for each temperature and k. */
export async function knnOn(
  { state }: Evaluation,
  data: LabelledData,
  rows: ArrayLike<number>,
  ks: readonly number[],
  temperatures: readonly number[],
): Promise<number[][]> {
  const { test } = data.features;
  const train = pickLabelled(data.features.train, rows, dimensions);
  const most = Math.max(...ks);
  if (most > train.labels.length) {
    throw new UserError(`--k ${most}: there are ${train.labels.length} training images; take at most as many`, 2);
  }
  const neighbours = await nearestRows(state, train.features, test.features, dimensions, most);
  return temperatures.map((temperature) =>
    ks.map((k) => accuracyOf(voteOfNearest(neighbours, train.labels, { k, temperature }), test.labels)),
  );
}

interface KnnResult {
  readonly k: number;
  readonly temperature: number;
  /** Share of the test images that are recognised, over the folds. */
  readonly mean: number;
  readonly deviation: number;
}

/** `simclr eval knn`. */
export async function evalKnn(
  evaluation: Evaluation,
  path: string,
  { k: wanted, temperatures, folds = false }: KnnSettings & { folds?: boolean },
): Promise<Outcome> {
  const data = await evaluation.labelled(path);
  const parts = foldsOf(data, folds);
  const ks = wanted ?? knnDefaults.k.filter((k) => k <= Math.min(...parts.map(({ length }) => length)));
  const runs: number[][][] = [];
  for (const rows of parts) runs.push(await knnOn(evaluation, data, rows, ks, temperatures));
  const results = temperatures.flatMap((temperature, t) =>
    ks.map((k, i): KnnResult => ({ k, temperature, ...meanAndDeviation(runs.map((run) => run[t][i])) })),
  );
  const table = knnTable(data, results, ks, temperatures, folds ? parts.length : undefined);
  const json = { ...dataFacts(data), folds, results };
  return outcome(evaluation, 'knn', table, json, await knnChart(results, temperatures));
}

function knnTable(
  { train, test }: LabelledData,
  results: readonly KnnResult[],
  ks: readonly number[],
  temperatures: readonly number[],
  folds: number | undefined,
) {
  const shown = (found: KnnResult) => (folds ? plusMinus(found) : percent(found.mean));
  return {
    title: `k nearest neighbours, cosine, votes weighted exp(s / τ); test accuracy in %; train ${train.count}, test ${test.count}`,
    header: ['k', ...temperatures.map((temperature) => `τ ${temperature}`)],
    rows: ks.map((k) => {
      const own = results.filter((result) => result.k === k);
      return [String(k), ...temperatures.map((t) => shown(own.find(({ temperature }) => temperature === t)!))];
    }),
    notes: folds ? [deviationNote(`${folds} folds`)] : [],
  };
}

function knnChart(results: readonly KnnResult[], temperatures: readonly number[]) {
  const percents = results.map(({ mean }) => 100 * mean);
  // Whole tens around all of them: differences of a few hundredths of a point do not fill the chart.
  const low = Math.min(90, 10 * Math.floor(Math.min(...percents) / 10));
  const high = Math.max(low + 10, 10 * Math.ceil(Math.max(...percents) / 10));
  return lineChart({
    title: 'Nearest neighbours by cosine, votes weighted exp(s / τ)',
    x: { label: 'neighbours k', logarithmic: true },
    y: { label: 'test accuracy / %' },
    series: temperatures.map((t) => ({
      name: `τ ${t}`,
      points: results
        .filter(({ temperature }) => temperature === t)
        .map(({ k, mean }): [number, number] => [k, 100 * mean])
        .sort(([a], [b]) => a - b),
    })),
    yRange: [low, high],
  });
}
