/** The probes on another labelled folder than that which the encoder comes from. */
import { type ProbeOptions, probeDefaults } from '../analysis/probe.ts';
import type { Recognition } from '../analysis/recognition.ts';
import { percent } from '../report/numbers.ts';
import { barChart } from '../report/plot.ts';
import { type Evaluation, type Outcome, outcome } from './evaluation.ts';
import { knnOn, oneKnn } from './knn.ts';
import { baselineNotes, dataFacts, foldsOf, type LabelledData } from './labelled_sets.ts';
import { type LinearResult, linearOn, unchosenNote } from './linear.ts';

interface TransferResult {
  readonly data: LabelledData;
  readonly linear: LinearResult;
  readonly k: number;
  readonly knn: Recognition;
}

/** `simclr eval transfer`: both probes on another labelled folder, beside those at home where that is given. */
export async function evalTransfer(
  evaluation: Evaluation,
  home: string | undefined,
  to: string,
  given: Partial<ProbeOptions>,
): Promise<Outcome> {
  const settings = { ...probeDefaults, ...given };
  const found: TransferResult[] = [];
  for (const path of home === undefined ? [to] : [home, to]) {
    const data = await evaluation.labelled(path);
    const all = foldsOf(data, false)[0];
    const k = Math.min(oneKnn.k, all.length);
    const [[knn]] = await knnOn(evaluation, data, all, [k], [oneKnn.temperature]);
    found.push({ data, linear: await linearOn(data, all, settings), k, knn });
  }
  const results = found.map(({ data, linear, k, knn }) => ({ ...dataFacts(data), linear, knn: { k, ...knn } }));
  return outcome(
    evaluation,
    'transfer',
    transferTable(found, settings),
    { settings, results },
    await transferChart(found),
  );
}

const transferTable = (found: readonly TransferResult[], settings: ProbeOptions) => ({
  title: `transfer: probes trained and tested on each folder with the same encoder; kNN with τ ${oneKnn.temperature}`,
  header: [
    ...['images', 'train', 'test', 'classes', 'majority / %', 'linear / %'],
    ...(balanced(found) ? [] : ['balanced / %']),
    ...['k', 'kNN / %'],
    ...(balanced(found) ? [] : ['balanced / %']),
  ],
  rows: found.map(({ data, linear, k, knn }) => [
    data.path,
    ...[data.train.count, data.test.count, data.classes].map(String),
    percent(data.majority.accuracy),
    percent(linear.test.accuracy),
    ...(balanced(found) ? [] : [percent(linear.test.balancedAccuracy)]),
    String(k),
    percent(knn.accuracy),
    ...(balanced(found) ? [] : [percent(knn.balancedAccuracy)]),
  ]),
  notes: [
    ...found.flatMap(({ data }) => baselineNotes(data).map((note) => `${data.path}: ${note}`)),
    ...found
      .filter(({ linear }) => linear.unchosen)
      .map(({ data, linear }) => unchosenNote(settings, linear.chosen, `${data.path}: `)),
  ],
});

const balanced = (found: readonly TransferResult[]): boolean => found.every(({ data }) => data.balanced);

const transferChart = (found: readonly TransferResult[]) =>
  barChart({
    title: 'Probes of the features on each folder',
    x: { label: 'images' },
    y: { label: 'test accuracy / %' },
    categories: found.map(({ data }) => data.path),
    series: [
      { name: 'linear', values: found.map(({ linear }) => 100 * linear.test.accuracy) },
      { name: 'kNN', values: found.map(({ knn }) => 100 * knn.accuracy) },
    ],
    yRange: [0, 100],
  });
