/** Evaluations that train the whole encoder. */
import { join } from 'node:path';
import { meanAndDeviation } from '../analysis/probe.ts';
import { subset } from '../data/images.ts';
import { UserError } from '../errors.ts';
import { counted } from '../io/counted.ts';
import { shapeSettings } from '../nn/encoder_shape.ts';
import { percent, percentPlusMinus } from '../report/numbers.ts';
import { lineChart } from '../report/plot.ts';
import type { LogKind } from '../train/metrics_logs.ts';
import { type SupervisedEvents, type SupervisedSettings, trainSupervised } from '../train/supervised.ts';
import type { SupervisedData } from '../train/supervised_data.ts';
import { deviationNote, type Evaluation, type Outcome, outcome } from './evaluation.ts';
import { baselineNotes, dataFacts, foldsOf, type LabelledSets } from './labelled_sets.ts';
import { consistencyNotes, unlabelledBeside } from './unlabelled.ts';

/** How the whole encoder is trained. */
export interface FinetuneSettings {
  readonly supervised: SupervisedSettings;
  /** Folder of the trainings: one that was stopped goes on. */
  readonly folder: string;
  readonly events?: SupervisedEvents;
  readonly signal?: AbortSignal;
  /** In which other forms the trainings keep their numbers. */
  readonly log?: readonly LogKind[] | undefined;
  /** A further training begins. */
  readonly onTraining?: (name: string) => void;
}

/** The settings of a training as the encoder needs them. */
export const settingsFor = ({ file }: Evaluation, { supervised }: FinetuneSettings): SupervisedSettings => {
  const { path, imageSize, normalize, mean, std } = file;
  if (normalize === undefined) {
    throw new UserError(
      `${path}: trained with colours of mean ${mean.join(', ')} and deviation ${std.join(', ')}, which fine-tuning cannot use; choose the nearest with --normalize`,
      2,
    );
  }
  return { ...supervised, ...shapeSettings(file), imageSize, normalize };
};

/** `the stem and 2 stages`; nothing where none are frozen. */
const frozenLayers = ({ supervised: { freezeStages } }: FinetuneSettings): string =>
  freezeStages > 0 ? `the stem and ${counted(freezeStages, 'stage')}` : '';

const inHalf = ({ supervised }: FinetuneSettings): string => (supervised.precision === 'f16' ? ' in f16' : '');

const inLayers = ({ supervised: { layerDecay } }: FinetuneSettings): string =>
  layerDecay < 1 ? `, each layer with ${layerDecay} of the next one’s learning rate` : '';

/** Stands behind what was trained: ` in f16, without the stem and 2 stages`. */
export function howTuned(settings?: FinetuneSettings): string {
  if (!settings) return '';
  const frozen = frozenLayers(settings);
  return `${inHalf(settings)}${frozen && `, without ${frozen}`}${inLayers(settings)}`;
}

/** Trains the layers that are not frozen from the encoder; a training of that name that has ended is not repeated. */
export async function finetuneOn(
  evaluation: Evaluation,
  data: SupervisedData,
  settings: FinetuneSettings,
  name: string,
) {
  settings.onTraining?.(name);
  return trainSupervised(evaluation.state.gpu, data, 'transfer', settingsFor(evaluation, settings), {
    folder: join(settings.folder, name),
    encoder: evaluation.file.tensors,
    head: evaluation.file.head,
    events: settings.events,
    signal: settings.signal,
    log: settings.log,
  });
}

/**
 * `simclr eval finetune`: all layers, or those behind the first stages, trained from the encoder on the labelled images. The last epoch
 * counts.
 */
export async function evalFinetune(
  evaluation: Evaluation,
  path: string,
  { folds = false, ...settings }: FinetuneSettings & { folds?: boolean },
): Promise<Outcome> {
  const data = await evaluation.sets(path);
  const unlabelled = await unlabelledBeside(evaluation, data, settings);
  const results = [];
  const photos: number[] = [];
  for (const [fold, rows] of foldsOf(data, folds).entries()) {
    const train = folds ? subset(data.train, rows) : data.train;
    const sets = { train, test: data.test, ...unlabelled(rows) };
    if (sets.unlabelled) photos.push(sets.unlabelled.count);
    results.push(await finetuneOn(evaluation, sets, settings, folds ? `fold-${fold + 1}` : 'all'));
  }
  const testAccuracy = meanAndDeviation(results.map(({ last }) => last.testAccuracy));
  const balanced = results.flatMap(({ last }) => last.testBalancedAccuracy ?? []);
  const testBalancedAccuracy = balanced.length === results.length ? meanAndDeviation(balanced) : undefined;
  const plain = finetuneTable(data, results, folds, settings);
  const table = { ...plain, notes: [...plain.notes, ...consistencyNotes(settings, photos)] };
  const accuracies = { testAccuracy, testBalancedAccuracy };
  const trained = { settings: settingsFor(evaluation, settings), ...(photos.length > 0 && { unlabelled: photos }) };
  const json = { ...dataFacts(data), ...trained, folds, results, ...accuracies };
  return outcome(evaluation, 'finetune', table, json, await finetuneChart(results, folds, testAccuracy.mean));
}

type Trained = Awaited<ReturnType<typeof finetuneOn>>;

function finetuneTable(data: LabelledSets, results: readonly Trained[], folds: boolean, settings: FinetuneSettings) {
  const { train, test, balanced } = data;
  const frozen = frozenLayers(settings);
  const layers = `all layers${frozen && ` but ${frozen}`}`;
  const over = (value: (epoch: Trained['last']) => number) =>
    percentPlusMinus(meanAndDeviation(results.map(({ last }) => value(last))));
  const confident = results.some(({ last }) => last.confident !== undefined);
  const own = ({ testBalancedAccuracy = Number.NaN }: Trained['last']) => testBalancedAccuracy;
  const sure = ({ confident = Number.NaN }: Trained['last']) => confident;
  const means = [
    ...['mean ± deviation', '', over(({ testAccuracy }) => testAccuracy)],
    ...(balanced ? [] : [over(own)]),
    ...['', ''],
    ...(confident ? [over(sure)] : []),
  ];
  return {
    title: `fine-tuning: ${layers}, ${counted(results[0].epochs.length, 'epoch')}${inHalf(settings)}; train ${train.count}, test ${test.count}; the last epoch counts`,
    header: [
      ...[folds ? 'fold' : 'train', 'train / %', 'test / %'],
      ...(balanced ? [] : ['balanced / %']),
      ...['test loss', 'best test / %'],
      ...(confident ? ['unlabelled, confident / %'] : []),
    ],
    rows: [
      ...results.map(({ last, best }, i) => [
        folds ? String(i + 1) : 'all',
        percent(last.trainAccuracy),
        percent(last.testAccuracy),
        ...(balanced ? [] : [percent(own(last))]),
        last.testLoss.toFixed(4),
        `${percent(best.testAccuracy)} (epoch ${best.epoch})`,
        ...(confident ? [percent(sure(last))] : []),
      ]),
      ...(folds ? [means] : []),
    ],
    notes: [
      ...(folds ? [deviationNote(`${results.length} folds`)] : []),
      ...baselineNotes(data),
      'the best epoch was chosen by looking at the test images: it is shown, and does not count',
    ],
  };
}

/** Test accuracy by epoch: of each fold, or beside that of train. */
function finetuneChart(results: readonly Trained[], folds: boolean, accuracy: number) {
  const curve = ({ epochs }: Trained, of: 'trainAccuracy' | 'testAccuracy') =>
    epochs.map((epoch): [number, number] => [epoch.epoch, 100 * epoch[of]]);
  const tested = results.map((result, i) => ({
    name: folds ? `fold ${i + 1}` : 'test',
    color: i,
    points: curve(result, 'testAccuracy'),
  }));
  const trained = { name: 'train', color: 1, dashed: true, points: curve(results[0], 'trainAccuracy') };
  return lineChart({
    title: `Fine-tuned: ${percent(accuracy)} % of the test images`,
    x: { label: 'epoch' },
    y: { label: 'accuracy / %' },
    series: folds ? tested : [...tested, trained],
    yRange: [0, 100],
  });
}
