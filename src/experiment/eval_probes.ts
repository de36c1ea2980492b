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
  chartFiles,
  dataFacts,
  dimensions,
  type Evaluation,
  foldsOf,
  type LabelledData,
  type Outcome,
  percent,
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
  const name = strengthName(settings);
  const row = (first: string, { chosen, train, test }: LinearResult) => [
    first,
    chosen.toPrecision(2),
    percent(train.accuracy),
    percent(test.accuracy),
    test.loss.toFixed(4),
  ];
  const summary = meanAndDeviation(results.map(({ test }) => test.accuracy));
  const trained = meanAndDeviation(results.map(({ train }) => train.accuracy));
  const means = ['mean ± deviation', '', plusMinus(trained), plusMinus(summary), ''];
  const byClass = data.classNames.map((_, c) => meanAndDeviation(results.map((result) => result.byClass[c])).mean);
  const chart = await barChart({
    title: `Linear probe: ${percent(summary.mean)} % of the test images`,
    x: { label: 'class' },
    y: { label: 'test accuracy / %' },
    categories: data.classNames,
    series: [{ name: 'test accuracy', values: byClass.map((share) => 100 * share) }],
    yRange: [0, 100],
  });
  const tried = results[0].tried.map(({ value, accuracy }) => `${value} → ${percent(accuracy)} %`).join(', ');
  const unfinished = results.filter(({ converged }) => !converged).length;
  return {
    title: `linear probe, ${settings.solver === 'lbfgs' ? 'L-BFGS' : 'SGD'}, standardised features; train ${data.train.count}, test ${data.test.count}`,
    header: [folds ? 'fold' : 'train', name, 'train / %', 'test / %', 'test loss'],
    rows: [...results.map((result, i) => row(folds ? String(i + 1) : 'all', result)), ...(folds ? [means] : [])],
    notes: [
      ...(tried ? [`${name} by accuracy on a held-out part of train${folds ? ' (fold 1)' : ''}: ${tried}`] : []),
      ...(results[0].unchosen ? [unchosenNote(settings, results[0].chosen)] : []),
      ...(unfinished > 0 ? [`${unfinished} of ${results.length} fits stopped before they had converged`] : []),
    ],
    json: { ...evaluation.facts(), ...dataFacts(data), settings, folds, results, testAccuracy: summary },
    files: chartFiles('linear', chart),
  };
}

/** `71.20 ± 0.35`, in percent. */
export const plusMinus = ({ mean, deviation }: { mean: number; deviation: number }): string =>
  `${percent(mean)} ± ${percent(deviation)}`;

export interface KnnSettings {
  /** Numbers of neighbours; without them, those of `knnDefaults` that there are images for. */
  readonly k?: readonly number[];
  readonly temperatures: readonly number[];
}

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
    ks.map((k, i) => ({ k, temperature, ...meanAndDeviation(runs.map((run) => run[t][i])) })),
  );
  const of = (k: number, temperature: number) =>
    results.find((result) => result.k === k && result.temperature === temperature)!;
  const chart = await lineChart({
    title: 'Nearest neighbours by cosine, votes weighted exp(s / τ)',
    x: { label: 'neighbours k', logarithmic: true },
    y: { label: 'test accuracy / %' },
    series: temperatures.map((temperature) => ({
      name: `τ ${temperature}`,
      points: ks.map((k): [number, number] => [k, 100 * of(k, temperature).mean]),
    })),
  });
  return {
    title: `k nearest neighbours, cosine, votes weighted exp(s / τ); test accuracy in %; train ${data.train.count}, test ${data.test.count}`,
    header: ['k', ...temperatures.map((temperature) => `τ ${temperature}`)],
    rows: ks.map((k) => [
      String(k),
      ...temperatures.map((temperature) => {
        const found = of(k, temperature);
        return folds ? plusMinus(found) : percent(found.mean);
      }),
    ]),
    notes: folds ? [`mean ± deviation over ${parts.length} folds`] : [],
    json: { ...evaluation.facts(), ...dataFacts(data), folds, results },
    files: chartFiles('knn', chart),
  };
}

/** `simclr eval transfer`: both probes on another labelled folder, beside those at home where that is given. */
export async function evalTransfer(
  evaluation: Evaluation,
  home: string | undefined,
  to: string,
  given: Partial<ProbeOptions>,
): Promise<Outcome> {
  const settings = { ...probeDefaults, ...given };
  const found: { data: LabelledData; linear: LinearResult; k: number; knn: number }[] = [];
  for (const path of home === undefined ? [to] : [home, to]) {
    const data = await evaluation.labelled(path);
    const all = foldsOf(data, false)[0];
    const k = Math.min(20, all.length);
    const [[knn]] = await knnOn(evaluation, data, all, [k], [0.07]);
    found.push({ data, linear: await linearOn(data, all, settings), k, knn });
  }
  const chart = await barChart({
    title: 'Probes of the features on each folder',
    x: { label: 'images' },
    y: { label: 'test accuracy / %' },
    categories: found.map(({ data }) => data.path),
    series: [
      { name: 'linear', values: found.map(({ linear }) => 100 * linear.test.accuracy) },
      { name: 'kNN', values: found.map(({ knn }) => 100 * knn) },
    ],
    yRange: [0, 100],
  });
  return {
    title: 'transfer: probes trained and tested on each folder with the same encoder; kNN with τ 0.07',
    header: ['images', 'train', 'test', 'classes', 'guessing / %', 'linear / %', 'k', 'kNN / %'],
    rows: found.map(({ data, linear, k, knn }) => [
      data.path,
      String(data.train.count),
      String(data.test.count),
      String(data.classes),
      percent(1 / data.classes),
      percent(linear.test.accuracy),
      String(k),
      percent(knn),
    ]),
    notes: found
      .filter(({ linear }) => linear.unchosen)
      .map(({ data, linear }) => unchosenNote(settings, linear.chosen, `${data.path}: `)),
    json: {
      ...evaluation.facts(),
      settings,
      results: found.map(({ data, linear, k, knn }) => ({ ...dataFacts(data), linear, knn: { k, accuracy: knn } })),
    },
    files: chartFiles('transfer', chart),
  };
}
