/** Tables and sentences of a comparison's report. */
import type { Statistic } from '../analysis/probe.ts';
import { duration } from '../experiment/report_text.ts';
import { counted } from '../io/counted.ts';
import { formatBytes, percent, percentPlusMinus, plusMinus } from '../report/numbers.ts';
import { labelsAskedBy } from '../train/learner.ts';
import { finetunedOf, gainOf, knnOf, linearOf, over, type Results, type RowResult, type RunResult } from './results.ts';

/** Stands where there is no number. */
const none = '–';

export function titleOf({ config: { rows } }: Results): string {
  const methods = [...new Set(rows.map(({ settings }) => settings.method))];
  if (methods.length === 1 && rows.length > 1) return `Comparison: settings of ${methods[0]}`;
  return `Comparison: ${methods.join(', ')}`;
}

/** `Each training: 10 epochs of the 5,000 images.` */
export function budgetInWords({ config: { budget, images, rows } }: Results): string {
  const { kind, amount } = budget;
  const all = `the ${images.toLocaleString('en-US')} images`;
  const batches = new Set(rows.map(({ settings }) => settings.batchSize)).size > 1;
  switch (kind) {
    case 'epochs':
      return `Budget of each training: ${counted(amount, 'epoch')}, so that all see ${all} equally often.`;
    case 'steps':
      return `Budget of each training: ${counted(amount, 'step')}${batches ? '; batches differ, and with them how many images are seen' : ''}.`;
    case 'minutes':
      return `Budget of each training: ${counted(amount, 'minute')} on this device, as many steps as fit into them; the first seed’s number is taken for all.`;
    default:
      return kind satisfies never;
  }
}

/** That the comparison goes on. */
export function unfinished({ remaining = 0, config: { rows, seeds } }: Results): string[] {
  if (remaining === 0) return [];
  const all = rows.length * seeds.length;
  return [
    `This is what is known so far: ${all - remaining} of ${counted(all, 'training')} are done, and more may change what is said here. The report is written again behind each of them.`,
  ];
}

const cellOf = (
  row: RowResult,
  of: (run: RunResult) => number | undefined,
  show: (value: Statistic) => string,
): string => {
  const value = over(row, of);
  return value === undefined ? none : show(value);
};

type Column = readonly [name: string, of: (run: RunResult) => number | undefined];

/** The columns of accuracies. */
function accuracies({ labelled }: Results): Column[] {
  const balanced: Column = ['linear, balanced / %', ({ measures }) => measures?.linear?.balancedAccuracy];
  const few = labelled?.few ?? 0;
  const tuned: Column = [`fine-tuned on ${few.toLocaleString('en-US')} labels / %`, finetunedOf];
  return [
    ['kNN / %', knnOf],
    ['linear probe / %', linearOf],
    ...(labelled?.balanced === false ? [balanced] : []),
    ...(few > 0 ? [tuned] : []),
  ];
}

/** There are several encoders without training: each training is compared with its own. */
const severalKinds = ({ rows }: Results): boolean => rows.filter(({ untrained }) => untrained).length > 1;

export const labelledHead = (results: Results): string[] => [
  rowWord(results),
  ...accuracies(results).map(([name]) => name),
  ...(severalKinds(results) ? ['probe above its untrained encoder’s'] : []),
];

const rowWord = ({ config: { rows } }: Pick<Results, 'config'>): string =>
  rows.some(({ label, settings }) => label !== settings.method) ? 'training' : 'method';

export const labelledRows = (results: Results): string[][] =>
  results.rows.map((row) => [
    row.label,
    ...accuracies(results).map(([, of]) => cellOf(row, of, percentPlusMinus)),
    ...(severalKinds(results) ? [gainCell(gainOf(results, row))] : []),
  ]);

const gainCell = (gain: Statistic | undefined): string =>
  gain === undefined ? none : `${gain.mean > 0 ? '+' : ''}${percentPlusMinus(gain)}`;

const deviations = ({ config: { seeds } }: Results): string =>
  seeds.length > 1
    ? ` Mean ± standard deviation (n − 1) of ${counted(seeds.length, 'seed')}: ${seeds.join(', ')}.`
    : '';

export function labelledNote(results: Results): string {
  const { labelled, config } = results;
  if (!labelled) return '';
  const { train, test, few, majority, classNames } = labelled;
  const { epochs, labels } = config.measuring;
  const tuned =
    few > 0
      ? ` Fine-tuned: all layers, from ${few.toLocaleString('en-US')} labelled images (${counted(labels, 'image')} of each class, fewer where there are not as many), ${counted(epochs, 'epoch')}, without augmentation.`
      : '';
  return `Accuracy on ${test.toLocaleString('en-US')} test images, with the labels of ${train.toLocaleString('en-US')} training images. Always answering '${classNames[majority.label]}' is right for ${percent(majority.accuracy)} %. kNN: 20 neighbours by cosine, weighted exp(s / 0.07). Linear probe: logistic regression by L-BFGS on standardised features, λ chosen on a held-out part of train.${tuned}${deviations(results)}`;
}

export const freeHead = (results: Results): string[] => [
  rowWord(results),
  'alignment',
  'uniformity',
  'effective rank',
  'of',
  'spread of h',
  'spread of z',
];

export const freeRows = ({ rows }: Results): string[][] =>
  rows.map((row) => {
    const number = (digits: number) => (value: Statistic) => plusMinus(value, digits);
    return [
      row.label,
      cellOf(row, ({ measures }) => measures?.alignment, number(3)),
      cellOf(row, ({ measures }) => measures?.uniformity, number(3)),
      cellOf(row, ({ measures }) => measures?.effectiveRank, number(1)),
      cellOf(
        row,
        ({ measures }) => measures?.dimensions,
        ({ mean }) => String(mean),
      ),
      cellOf(row, ({ measures }) => measures?.spread, number(2)),
      cellOf(row, ({ trained }) => trained?.embeddingSpread, number(2)),
    ];
  });

export const taskHead = (results: Results): string[] => [
  rowWord(results),
  'loss',
  'by guessing',
  'score',
  'by guessing',
];

export const taskNote =
  'Loss and scores of the method’s own task, means over the images of the last epoch; of different methods they cannot be compared.';

/** A line for each score of a row; the loss stands in the first. */
export const taskRows = ({ rows }: Results): string[][] =>
  rows
    .filter(({ untrained }) => !untrained)
    .flatMap((row) => {
      const number = (value: Statistic) => plusMinus(value, 3);
      const loss = cellOf(row, ({ trained }) => trained?.curve.at(-1)?.loss, number);
      const chance = cellOf(row, ({ trained }) => trained?.chance, number);
      const scores = row.runs.find(({ trained }) => trained)?.trained?.scores ?? [];
      if (scores.length === 0) return [[row.label, loss, chance, none, none]];
      return scores.map(({ label, format }, i) => {
        const show = (value: Statistic) =>
          format === 'percent' ? `${label} ${percentPlusMinus(value)} %` : `${label} ${plusMinus(value, 3)}`;
        const guess = (value: Statistic) => (format === 'percent' ? `${percent(value.mean)} %` : plusMinus(value, 3));
        return [
          ...(i === 0 ? [row.label, loss, chance] : ['', '', '']),
          cellOf(row, ({ trained }) => trained?.scores[i]?.value, show),
          cellOf(row, ({ trained }) => trained?.scores[i]?.chance, guess),
        ];
      });
    });

/** What measures without labels can tell, and what they cannot. */
export const limitsOfLabelFree = [
  'Alignment is the mean squared distance of the features (at length one) of two views of one image: 0 where they are equal, so lower is better. Uniformity is log E exp(−2 d²) of the distances d between different images: 0 where all features are equal, about −4 where they cover the sphere, so lower is better (Wang & Isola, 2020). Effective rank is how many directions the features use, out of as many as they have: the exponential of the entropy of their singular values (RankMe; Garrido et al., 2023). Spread is the standard deviation of a dimension times √dimensions, of features h and, as a share of what is healthy, of the embeddings z in the last step or epoch: below 0.1 they have collapsed, all images look alike.',
  'What they can tell: that an encoder has collapsed, wholly (spread and uniformity near 0) or onto few directions (a small effective rank). Settings of one method that only differ in a value may be ranked by them: a higher effective rank, or a better alignment at equal uniformity, went with better probes in the papers’ experiments. What they cannot tell: whether the directions mean anything. Alignment alone is perfect for a collapsed encoder, uniformity alone for random features, a high rank may be noise, and an untrained encoder can have a good one of each; none of them ranks different methods reliably, since each loss drives some of them by itself. They say nothing of invariances that a task does not want, such as to colour. To decide between methods, label a few hundred photos, in one folder per class, and compare again.',
] as const;

export const costHead = [
  'training',
  'steps',
  'images a batch',
  'images seen',
  'images / s',
  'GPU memory',
  'time',
] as const;

export const costRows = ({ rows }: Results): string[][] =>
  rows
    .filter(({ untrained }) => !untrained)
    .map((row) => {
      const whole = ({ mean }: Statistic) => Math.round(mean).toLocaleString('en-US');
      const bytes = ({ mean }: Statistic) => formatBytes(mean);
      return [
        row.label,
        cellOf(row, ({ trained }) => trained?.steps, whole),
        cellOf(row, ({ trained }) => trained?.settings.batchSize, whole),
        cellOf(row, ({ trained }) => trained && trained.steps * trained.settings.batchSize, whole),
        cellOf(
          row,
          ({ trained }) => trained?.imagesPerSecond,
          (value) => plusMinus(value, value.mean < 100 ? 1 : 0),
        ),
        cellOf(row, ({ trained }) => trained?.memory, bytes),
        cellOf(
          row,
          ({ trained }) => trained?.seconds,
          ({ mean }) => duration(mean),
        ),
      ];
    });

/** Which row is best, and which are no better than an encoder that was never trained. */
export function verdict(results: Results): string[] {
  const { rows, labelled, config } = results;
  const trained = rows.filter(({ untrained }) => !untrained);
  if (!labelled) {
    return [
      'There are no labels here, so that nothing says directly which encoder is best for these photos: the measures below show which have collapsed, and how those that have not differ.',
    ];
  }
  const judged = trained.flatMap((row) => {
    const value = over(row, linearOf);
    return value === undefined ? [] : [{ row, value }];
  });
  if (judged.length === 0) return ['No training came to its end.'];
  const order = judged.toSorted((a, b) => b.value.mean - a.value.mean);
  const list = order.map(({ row, value }) => `${row.label} ${percentPlusMinus(value)} %`).join(', then ');
  return [
    `By linear probe: ${list}.`,
    ...taught(trained),
    ...againstUntrained(order, results),
    ...(trained.length > 1 ? [certainty(order, labelled.test, config.seeds.length)] : []),
  ];
}

/** Rows that were taught what the probe asks for. */
function taught(rows: readonly RowResult[]): string[] {
  const asking = rows.filter(({ runs }) => runs.some(({ trained }) => trained && labelsAskedBy(trained.settings)));
  if (asking.length === 0) return [];
  const names = asking.map(({ label }) => label).join(', ');
  return [
    `Trained with the labels of the training images: ${names}; the other rows saw none before they were measured.`,
  ];
}

interface Judged {
  readonly row: RowResult;
  readonly value: Statistic;
}

function againstUntrained(order: readonly Judged[], results: Results): string[] {
  const gains = order.flatMap(({ row }) => {
    const gain = gainOf(results, row);
    return gain === undefined ? [] : [{ label: row.label, gain: gain.mean }];
  });
  if (gains.length === 0) return [];
  const first = results.rows.flatMap((row) => (row.untrained ? (over(row, linearOf)?.mean ?? []) : []));
  const reaches = severalKinds(results)
    ? 'Each is compared with the untrained encoder of its own kind (last column)'
    : `An untrained encoder reaches ${percent(first[0])} %`;
  const behind = gains.filter(({ gain }) => gain <= 0).map(({ label }) => label);
  if (behind.length === 0) return [`${reaches}: ${gains.length === 1 ? 'this one is better' : 'all are better'}.`];
  return [
    `${reaches}: no better with this budget and these settings, so that nothing was learnt that the probe can use: ${behind.join(', ')}.`,
  ];
}

/** How far apart the first two must be to mean something. */
function certainty(order: readonly Judged[], test: number, seeds: number): string {
  const [a, b] = order.map(({ value }) => value);
  const sampling = Math.sqrt((a.mean * (1 - a.mean)) / test);
  const ofTest = `The test images alone make an accuracy uncertain by ± ${percent(sampling)} points (one standard error)`;
  if (seeds < 2)
    return `${ofTest}, and other seeds would move it too: with one seed, take smaller differences than a few times that for chance (--seeds 1,2,3 measures it).`;
  if (!b) return `${ofTest}.`;
  const gap = a.mean - b.mean;
  const spread = Math.hypot(a.deviation ?? 0, b.deviation ?? 0);
  const clear = gap > 2 * Math.max(spread, sampling);
  return `${ofTest}; the first two are ${percent(gap)} points apart, and seeds move the difference by ± ${percent(spread)}: ${clear ? 'the first is better' : 'that does not tell which is better'}.`;
}

/** Rows that failed, and what was warned of while others trained. */
export function troubles({ rows }: Results): string[] {
  return rows.flatMap(({ label, runs }) =>
    runs.flatMap(({ seed, failed, trained }) => {
      const name = runs.length > 1 ? `${label}, seed ${seed}` : label;
      if (failed !== undefined) return [`${name} has no numbers: ${failed}.`];
      return (trained?.warnings ?? [])
        .filter(({ kind }) => kind !== 'duplicates')
        .map(
          ({ step, message }) =>
            `${name}: warned ${step > 0 ? `at step ${step}` : 'before the first step'} that ${message}.`,
        );
    }),
  );
}
