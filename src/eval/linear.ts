/** The linear probe of the features. */
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
} from '../analysis/probe.ts';
import type { Recognition } from '../analysis/recognition.ts';
import { kindOf, type SampleSet } from '../data/samples.ts';
import { percent, percentPlusMinus } from '../report/numbers.ts';
import { barChart } from '../report/plot.ts';
import { deviationNote, type Measured, type Outcome, outcome } from './evaluation.ts';
import { baselineNotes, dataFacts, foldsOf, type LabelledData } from './labelled_sets.ts';

type Scores = Recognition & { readonly loss: number };

export interface LinearResult {
  readonly chosen: number;
  readonly tried: Probe['tried'];
  readonly unchosen: Probe['unchosen'];
  readonly iterations: number;
  readonly converged: boolean;
  readonly train: Scores;
  readonly test: Scores;
  readonly byClass: readonly number[];
}

/** Trains a probe on some rows of train and tests it on all of test. When the signal is aborted, its reason is thrown. */
export async function linearOn(
  data: LabelledData<SampleSet>,
  rows: ArrayLike<number>,
  options: Partial<ProbeOptions>,
  signal?: AbortSignal,
): Promise<LinearResult> {
  const train = pickLabelled(data.features.train, rows, data.dimensions);
  const { test } = data.features;
  const probe = await trainProbe(train, data.dimensions, data.classes, options, signal);
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
  evaluation: Measured,
  path: string,
  { folds = false, ...given }: Partial<ProbeOptions> & { folds?: boolean },
): Promise<Outcome> {
  const data = await evaluation.labelled(path);
  const settings = { ...probeDefaults, ...given };
  const results: LinearResult[] = [];
  for (const rows of foldsOf(data, folds)) results.push(await linearOn(data, rows, settings));
  const testAccuracy = meanAndDeviation(results.map(({ test }) => test.accuracy));
  const testBalancedAccuracy = meanAndDeviation(results.map(({ test }) => test.balancedAccuracy));
  const table = linearTable(data, settings, results, folds);
  const json = { ...dataFacts(data), settings, folds, results, testAccuracy, testBalancedAccuracy };
  return outcome(evaluation, 'linear', table, json, await classChart(data, results, testAccuracy.mean));
}

function linearTable(
  data: LabelledData<SampleSet>,
  settings: ProbeOptions,
  results: readonly LinearResult[],
  folds: boolean,
) {
  const name = strengthName(settings);
  const row = (first: string, { chosen, train, test }: LinearResult) => [
    first,
    String(chosen),
    percent(train.accuracy),
    percent(test.accuracy),
    ...(data.balanced ? [] : [percent(test.balancedAccuracy)]),
    test.loss.toFixed(4),
  ];
  const over = (value: (result: LinearResult) => number) => percentPlusMinus(meanAndDeviation(results.map(value)));
  const means = [
    ...['mean ± deviation', '', over(({ train }) => train.accuracy), over(({ test }) => test.accuracy)],
    ...(data.balanced ? [] : [over(({ test }) => test.balancedAccuracy)]),
    '',
  ];
  return {
    title: `linear probe, ${settings.solver === 'lbfgs' ? 'L-BFGS' : 'SGD'}, standardised features; train ${data.train.count}, test ${data.test.count}`,
    header: [
      ...[folds ? 'fold' : 'train', name, 'train / %', 'test / %'],
      ...(data.balanced ? [] : ['balanced / %']),
      'test loss',
    ],
    rows: [...results.map((result, i) => row(folds ? String(i + 1) : 'all', result)), ...(folds ? [means] : [])],
    notes: [...baselineNotes(data), ...linearNotes(settings, results, folds)],
  };
}

function linearNotes(settings: ProbeOptions, results: readonly LinearResult[], folds: boolean): string[] {
  const [first] = results;
  const byLoss = settings.solver === 'lbfgs';
  const shown = ({ accuracy, loss }: LinearResult['tried'][number]) =>
    byLoss ? loss.toFixed(3) : `${percent(accuracy)} %`;
  const tried = first.tried.map((candidate) => `${candidate.value} → ${shown(candidate)}`).join(', ');
  const unfinished = results.filter(({ converged }) => !converged).length;
  const name = strengthName(settings);
  const edge = edgeNote(settings, first);
  return [
    ...(folds ? [deviationNote(`${results.length} folds`)] : []),
    ...(tried
      ? [`${name} by ${byLoss ? 'loss' : 'accuracy'} on a held-out part of train${folds ? ' (fold 1)' : ''}: ${tried}`]
      : []),
    ...(edge === undefined ? [] : [edge]),
    ...(first.unchosen ? [unchosenNote(settings, first.chosen)] : []),
    ...(unfinished > 0 ? [`${unfinished} of ${results.length} fits stopped before they had converged`] : []),
  ];
}

/** Accuracy of each class, the mean over the folds; a class without test images has no bar. */
function classChart({ classNames, test }: LabelledData<SampleSet>, results: readonly LinearResult[], accuracy: number) {
  const values = classNames.map((_, c) => 100 * meanAndDeviation(results.map(({ byClass }) => byClass[c])).mean);
  return barChart({
    title: `Linear probe: ${percent(accuracy)} % of the test ${kindOf(test)}`,
    x: { label: 'class' },
    y: { label: 'test accuracy / %' },
    categories: classNames,
    series: [{ name: 'test accuracy', values }],
    yRange: [0, 100],
  });
}
