/** Evaluations by nearest neighbours in the features. */

import { nearestRows, voteOfNearest } from '../analysis/knn.ts';
import { meanAndDeviation, pickLabelled, type SampleStatistic } from '../analysis/probe.ts';
import { type Recognition, recognition } from '../analysis/recognition.ts';
import { kindOf, type SampleSet } from '../data/samples.ts';
import { UserError } from '../errors.ts';
import { percent, percentPlusMinus } from '../report/numbers.ts';
import { lineChart } from '../report/plot.ts';
import { deviationNote, type Measured, type Outcome, outcome } from './evaluation.ts';
import { baselineNotes, dataFacts, foldsOf, type LabelledData } from './labelled_sets.ts';

export interface KnnSettings {
  /** Numbers of neighbours; without them, those of `knnDefaults` that there are images for. */
  readonly k?: readonly number[];
  readonly temperatures: readonly number[];
}

/** Of nearest neighbours where they stand beside something else. */
export const oneKnn = { k: 20, temperature: 0.07 } as const;

export const knnDefaults = { k: [1, 5, 10, 20, 50, 100, 200], temperatures: [0.07, 0.1] } as const;

/** Test accuracies by nearest neighbours among some rows of train, for each temperature and k. */
export async function knnOn(
  { state }: Pick<Measured, 'state'>,
  data: LabelledData<SampleSet>,
  rows: ArrayLike<number>,
  ks: readonly number[],
  temperatures: readonly number[],
): Promise<Recognition[][]> {
  const { test } = data.features;
  const train = pickLabelled(data.features.train, rows, data.dimensions);
  const most = Math.max(...ks);
  if (most > train.labels.length) {
    throw new UserError(`--k ${most}: there are only ${train.labels.length} training ${kindOf(data.train)}`, 2);
  }
  const neighbours = await nearestRows(state, train.features, test.features, data.dimensions, most);
  return temperatures.map((temperature) =>
    ks.map((k) => recognition(voteOfNearest(neighbours, train.labels, { k, temperature }), test.labels)),
  );
}

interface KnnResult extends SampleStatistic {
  readonly k: number;
  readonly temperature: number;
  /** Of the mean over the classes; the result itself is of the share of the test images that are recognised, over the folds. */
  readonly balanced: SampleStatistic;
}

/** `simclr eval knn`. */
export async function evalKnn(
  evaluation: Measured,
  path: string,
  { k: wanted, temperatures, folds = false }: KnnSettings & { folds?: boolean },
): Promise<Outcome> {
  const data = await evaluation.labelled(path);
  const parts = foldsOf(data, folds);
  const ks = wanted ?? knnDefaults.k.filter((k) => k <= Math.min(...parts.map(({ length }) => length)));
  const runs: Recognition[][][] = [];
  for (const rows of parts) runs.push(await knnOn(evaluation, data, rows, ks, temperatures));
  const results = temperatures.flatMap((temperature, t) =>
    ks.map((k, i): KnnResult => {
      const over = (of: keyof Recognition) => meanAndDeviation(runs.map((run) => run[t][i][of]));
      return { k, temperature, ...over('accuracy'), balanced: over('balancedAccuracy') };
    }),
  );
  const table = knnTable(data, results, ks, temperatures, folds ? parts.length : undefined);
  const json = { ...dataFacts(data), folds, results };
  return outcome(evaluation, 'knn', table, json, await knnChart(results, temperatures));
}

function knnTable(
  data: LabelledData<SampleSet>,
  results: readonly KnnResult[],
  ks: readonly number[],
  temperatures: readonly number[],
  folds: number | undefined,
) {
  const { train, test, balanced } = data;
  const shown = (found: KnnResult['balanced']) => (folds ? percentPlusMinus(found) : percent(found.mean));
  return {
    title: `k nearest neighbours, cosine, votes weighted exp(s / τ); test accuracy in %; train ${train.count}, test ${test.count}`,
    header: ['k', ...temperatures.flatMap((t) => (balanced ? [`τ ${t}`] : [`τ ${t}`, `τ ${t}, balanced`]))],
    rows: ks.map((k) => {
      const own = results.filter((result) => result.k === k);
      const cells = (t: number) => {
        const found = own.find(({ temperature }) => temperature === t)!;
        return balanced ? [shown(found)] : [shown(found), shown(found.balanced)];
      };
      return [String(k), ...temperatures.flatMap(cells)];
    }),
    notes: [...baselineNotes(data), ...(folds ? [deviationNote(`${folds} folds`)] : [])],
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
