/** The probes on another labelled folder than that which the encoder comes from. */
import { type ProbeOptions, probeDefaults } from '../eval/probe.ts';
import { barChart } from '../report/plot.ts';
import { knnOn, type LinearResult, linearOn, oneKnn, unchosenNote } from './eval_probes.ts';
import {
  dataFacts,
  type Evaluation,
  foldsOf,
  type LabelledData,
  type Outcome,
  outcome,
  percent,
} from './evaluation.ts';

interface TransferResult {
  readonly data: LabelledData;
  readonly linear: LinearResult;
  readonly k: number;
  readonly knn: number;
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
  const results = found.map(({ data, linear, k, knn }) => ({ ...dataFacts(data), linear, knn: { k, accuracy: knn } }));
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
  header: ['images', 'train', 'test', 'classes', 'guessing / %', 'linear / %', 'k', 'kNN / %'],
  rows: found.map(({ data, linear, k, knn }) => [
    data.path,
    ...[data.train.count, data.test.count, data.classes].map(String),
    percent(1 / data.classes),
    percent(linear.test.accuracy),
    String(k),
    percent(knn),
  ]),
  notes: found
    .filter(({ linear }) => linear.unchosen)
    .map(({ data, linear }) => unchosenNote(settings, linear.chosen, `${data.path}: `)),
});

const transferChart = (found: readonly TransferResult[]) =>
  barChart({
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
