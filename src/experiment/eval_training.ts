/** Evaluations with few labels, and such that train the whole encoder. */
import { join } from 'node:path';
import { type ImageSet, subset } from '../data/images.ts';
import { UserError } from '../errors.ts';
import { byClass, drawPerClass, meanAndDeviation, type ProbeOptions, probeDefaults } from '../eval/probe.ts';
import { barChart, lineChart } from '../report/plot.ts';
import { type SupervisedEvents, type SupervisedSettings, trainSupervised } from '../train/supervised.ts';
import { type LinearResult, linearOn, plusMinus, unchosenNote } from './eval_probes.ts';
import { chartFiles, dataFacts, type Evaluation, foldsOf, type Outcome, percent } from './evaluation.ts';

/** How the whole encoder is trained. */
export interface FinetuneSettings {
  readonly supervised: SupervisedSettings;
  /** Folder of the trainings: one that was stopped goes on. */
  readonly folder: string;
  readonly events?: SupervisedEvents;
  readonly signal?: AbortSignal;
  /** A further training begins. */
  readonly onTraining?: (name: string) => void;
}

/** The settings of a training as the encoder needs them. */
const settingsFor = ({ file }: Evaluation, { supervised }: FinetuneSettings): SupervisedSettings => {
  const { architecture, stem, imageSize, normalize } = file;
  return { ...supervised, architecture, stem, imageSize, normalize };
};

/** Stands behind what was trained. */
const inHalf = (settings?: FinetuneSettings): string => (settings?.supervised.precision === 'f16' ? ' in f16' : '');

async function finetuneOn(
  evaluation: Evaluation,
  data: { train: ImageSet; test: ImageSet },
  settings: FinetuneSettings,
  name: string,
) {
  settings.onTraining?.(name);
  return trainSupervised(evaluation.state.gpu, data, 'transfer', settingsFor(evaluation, settings), {
    folder: join(settings.folder, name),
    encoder: evaluation.file.tensors,
    events: settings.events,
    signal: settings.signal,
  });
}

/** `simclr eval finetune`: all layers trained from the encoder on the labelled images. The last epoch counts. */
export async function evalFinetune(
  evaluation: Evaluation,
  path: string,
  { folds = false, ...settings }: FinetuneSettings & { folds?: boolean },
): Promise<Outcome> {
  const data = await evaluation.sets(path);
  const results = [];
  for (const [fold, rows] of foldsOf(data, folds).entries()) {
    const train = folds ? subset(data.train, rows) : data.train;
    results.push(
      await finetuneOn(evaluation, { train, test: data.test }, settings, folds ? `fold-${fold + 1}` : 'all'),
    );
  }
  const summary = meanAndDeviation(results.map(({ last }) => last.testAccuracy));
  const name = (i: number) => (folds ? `fold ${i + 1}` : 'all');
  const chart = await lineChart({
    title: `Fine-tuned: ${percent(summary.mean)} % of the test images`,
    x: { label: 'epoch' },
    y: { label: 'accuracy / %' },
    series: results.flatMap(({ epochs }, i) => [
      {
        name: folds ? name(i) : 'test',
        color: i,
        points: epochs.map(({ epoch, testAccuracy }): [number, number] => [epoch, 100 * testAccuracy]),
      },
      ...(folds
        ? []
        : [
            {
              name: 'train',
              color: 1,
              dashed: true,
              points: epochs.map(({ epoch, trainAccuracy }): [number, number] => [epoch, 100 * trainAccuracy]),
            },
          ]),
    ]),
    yRange: [0, 100],
  });
  const means = ['mean ± deviation', '', plusMinus(summary), '', ''];
  return {
    title: `fine-tuning: all layers, ${results[0].epochs.length} epochs${inHalf(settings)}; train ${data.train.count}, test ${data.test.count}; the last epoch counts`,
    header: [folds ? 'fold' : 'train', 'train / %', 'test / %', 'test loss', 'best test / %'],
    rows: [
      ...results.map(({ last, best }, i) => [
        name(i),
        percent(last.trainAccuracy),
        percent(last.testAccuracy),
        last.testLoss.toFixed(4),
        `${percent(best.testAccuracy)} (epoch ${best.epoch})`,
      ]),
      ...(folds ? [means] : []),
    ],
    notes: ['the best epoch was chosen by looking at the test images: it is shown, and does not count'],
    json: {
      ...evaluation.facts(),
      ...dataFacts(data),
      settings: settingsFor(evaluation, settings),
      folds,
      results,
      testAccuracy: summary,
    },
    files: chartFiles('finetune', chart),
  };
}

/** Labels of each class, and shares of all labels, that are tried where the set has as many. */
export const lowLabelSteps = { perClass: [10, 20, 50, 100, 200, 500], shares: [0.01, 0.1] } as const;

export interface LowLabelSettings extends Partial<ProbeOptions> {
  /** Subsets that are drawn for each number of labels. */
  readonly subsets: number;
  readonly perClass?: readonly number[];
  readonly shares?: readonly number[];
  /** Fine-tune too. */
  readonly finetune?: FinetuneSettings;
}

interface LowLabelResult {
  readonly name: string;
  readonly images: number;
  /** With λ, or the learning rate, of each subset; `unchosen`: see `Probe`. */
  readonly linear: ReturnType<typeof summaryOf> & { readonly chosen: readonly number[]; readonly unchosen: boolean };
  readonly finetune?: ReturnType<typeof summaryOf>;
}

interface Step {
  readonly name: string;
  /** Images of a class of that many. */
  readonly count: (rows: number) => number;
}

/** What is drawn, fewest images first. */
function stepsFor(labels: ArrayLike<number>, { perClass, shares }: LowLabelSettings): Step[] {
  const least = Math.min(...byClass(labels).map(({ length }) => length));
  const wanted = perClass ?? lowLabelSteps.perClass.filter((count) => count <= least);
  const tooMany = wanted.find((count) => count > least);
  if (tooMany !== undefined) {
    throw new UserError(`--labels ${tooMany}: a class has ${least} training images; take at most as many`, 2);
  }
  const tooFew = shares?.find((share) => Math.round(share * least) < 1);
  if (tooFew !== undefined) {
    throw new UserError(
      `--shares ${tooFew}: is no image of a class with ${least}; take ${Math.ceil(1e4 / (2 * least)) / 1e4} or more`,
      2,
    );
  }
  const parts = shares ?? lowLabelSteps.shares.filter((share) => share * least >= 1);
  const steps: Step[] = [
    ...wanted.map((count) => ({ name: `${count} a class`, count: () => count })),
    ...parts.map((share) => ({
      name: `${Number((100 * share).toPrecision(3))} %`,
      count: (rows: number) => Math.max(1, Math.round(share * rows)),
    })),
  ];
  const images = ({ count }: Step) => byClass(labels).reduce((sum, { length }) => sum + count(length), 0);
  return steps.sort((a, b) => images(a) - images(b));
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
  const { labels } = data.features.train;
  const steps = stepsFor(labels, settings);
  if (steps.length === 0)
    throw new UserError(`${path}: too few training images of a class for any step; give --labels`, 2);
  const results: LowLabelResult[] = [];
  for (const { name, count } of steps) {
    const linear: LinearResult[] = [];
    const tuned: number[] = [];
    let images = 0;
    for (let s = 0; s < settings.subsets && images < labels.length; s++) {
      const rows = drawPerClass(labels, count, settings.seed + s);
      images = rows.length;
      linear.push(await linearOn(data, rows, settings, finetune?.signal));
      if (!finetune) continue;
      const sets = { train: subset(data.train, rows), test: data.test };
      const folder = `${name.replace(' %', '-percent').replace(' a class', '-a-class')}-${settings.seed + s}`;
      tuned.push((await finetuneOn(evaluation, sets, finetune, folder)).last.testAccuracy);
    }
    const probes = {
      ...summaryOf(linear.map(({ test }) => test.accuracy)),
      chosen: linear.map(({ chosen }) => chosen),
      unchosen: linear.some(({ unchosen }) => unchosen),
    };
    results.push({ name, images, linear: probes, ...(finetune && { finetune: summaryOf(tuned) }) });
  }
  const methods = ['linear', ...(finetune ? (['finetune'] as const) : [])] as ('linear' | 'finetune')[];
  const titles = { linear: 'linear probe', finetune: `fine-tuned${inHalf(finetune)}` };
  const several = results.some(({ linear }) => linear.values.length > 1);
  const single = results.filter(({ linear }) => several && linear.values.length === 1);
  const over = several
    ? `mean ± deviation of ${settings.subsets} subsets${single.length > 0 ? ` (all ${labels.length} images: once)` : ''}`
    : 'drawn once';
  const chart = await barChart({
    title: `Few labels, ${over}`,
    x: { label: 'labelled images' },
    y: { label: 'test accuracy / %' },
    categories: results.map(({ name }) => name),
    series: methods.map((method) => ({
      name: titles[method],
      values: results.map((result) => 100 * result[method]!.mean),
      ...(several && {
        deviations: results.map(({ [method]: found }) =>
          found!.values.length > 1 ? 100 * found!.deviation : undefined,
        ),
      }),
    })),
    yRange: [0, 100],
  });
  return {
    title: `few labels: test accuracy in %, ${over}; test ${data.test.count}, guessing ${percent(1 / data.classes)}`,
    header: ['labels', 'images', ...methods.map((method) => titles[method])],
    rows: results.map((result) => [
      result.name,
      String(result.images),
      ...methods.map((method) => meanOf(result[method]!)),
    ]),
    notes: results
      .filter(({ linear }) => linear.unchosen)
      .map(({ name, linear }) => unchosenNote(settings, linear.chosen[0], `${name}: `)),
    json: {
      ...evaluation.facts(),
      ...dataFacts(data),
      settings,
      ...(finetune && { finetune: settingsFor(evaluation, finetune) }),
      results,
    },
    files: chartFiles('low-label', chart),
  };
}

/** A deviation only where there are several values. */
const meanOf = (summary: ReturnType<typeof summaryOf>): string =>
  summary.values.length > 1 ? plusMinus(summary) : percent(summary.mean);

const summaryOf = (values: readonly number[]) => ({ ...meanAndDeviation(values), values });
