/**
 * What `--loss` of a contrastive method chooses from: what each loss makes of the embeddings of two views of N images, z [2N, D] with row i and
 * row i + N of one image, which settings it has, and what it is where the views of an image are not told from those of others.
 */
import { z as zod } from 'zod';
import { UserError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Naming } from '../io/checked.ts';
import { decoupledNtXent, hardNegativeNtXent } from '../losses/hard_negative.ts';
import { symmetricInfoNce } from '../losses/info_nce.ts';
import { marginOfPairs } from '../losses/margin_contrastive.ts';
import { nPair } from '../losses/n_pair.ts';
import { nceOfPairs } from '../losses/nce.ts';
import { ntXent } from '../losses/nt_xent.ts';
import { type PairLoss, viewsOfPairs } from '../losses/pairs.ts';
import { nearestPositives } from '../losses/positive_sets.ts';
import { nearestLabelAccuracy, supCon } from '../losses/sup_con.ts';
import { tripletsOfPairs } from '../losses/triplet_mining.ts';
import { sub } from '../ops/binary.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { cosineBetween } from '../optim/schedule.ts';
import type { Feeds } from './feeds.ts';
import type { Build, Chance, Metric } from './method.ts';
import { accuracy, informationBound } from './metrics.ts';
import { count } from './settings.ts';

/** Own settings of losses, of which one takes some. A loss whose settings another value is given to than the default must be chosen. */
export const contrastiveOptions = {
  loss: zod
    .enum([
      ...(['nt-xent', 'info-nce', 'decoupled', 'debiased', 'hard-negative', 'nce'] as const),
      ...(['margin', 'triplet-hard', 'triplet-semi-hard', 'n-pair', 'sup-con'] as const),
    ])
    .default('nt-xent')
    .describe('what the embeddings of a batch are compared by'),
  temperatureEnd: zod
    .number()
    .min(0)
    .default(0)
    .describe('temperature after the last step, reached by half a cosine; 0: it stays as it is'),
  tauPlus: zod
    .number()
    .min(0)
    .lt(1)
    .default(0.1)
    .describe('share τ⁺ of negatives taken to be false (debiased, hard-negative)'),
  beta: zod.number().min(0).default(1).describe('weight β of negatives that are similar (hard-negative)'),
  margin: zod
    .number()
    .min(0)
    .default(0)
    .describe('margin of distances (margin: 1; triplets: 0.2); 0: that in brackets'),
  positives: count(0)
    .max(1024)
    .default(0)
    .describe('most similar views of other images that are further positives of a view (nt-xent), as in AdpCLR'),
  positivesAfter: count(0).default(10).describe('epochs before there are any'),
};

export type ContrastiveSettings = Readonly<zod.infer<zod.ZodObject<typeof contrastiveOptions>>> & {
  readonly temperature: number;
};
type Own = Exclude<keyof typeof contrastiveOptions, 'loss'>;

/** What a loss compares by, beside the embeddings. */
interface Comparison {
  readonly settings: ContrastiveSettings;
  readonly temperature: number | Tensor;
  readonly feeds: Feeds;
}

type Compared = Pick<PairLoss, 'loss' | 'accuracy' | 'unit'>;

interface ContrastiveLoss {
  /** Its settings beside the temperature. */
  readonly own: readonly Own[];
  readonly needsLabels?: true;
  of(z: Tensor, comparison: Comparison): Compared;
  /** Of N images, what it is where nothing is told apart; undefined where that is not known. */
  chance(n: number, settings: ContrastiveSettings): Pick<Chance, 'loss' | 'formula'> | undefined;
  /** Views among which a view's pair is looked for, where `accuracy` is the share that is found: those of all others, or of the other view. */
  readonly among?: 'others' | 'other view';
  /** log N − loss is a lower bound of the mutual information of two views. */
  readonly bound?: true;
}

const others = (n: number) => 2 * n - 1;
const softmaxOver = (formula: string, candidates: (n: number) => number) => (n: number) => ({
  loss: Math.log(candidates(n)),
  formula,
});
const overOthers = softmaxOver('log(2N−1)', others);
const overOtherView = softmaxOver('log N', (n) => n);
const marginOf = ({ margin: given }: ContrastiveSettings, otherwise: number): number => given || otherwise;

const triplets =
  (kind: 'hard' | 'semi-hard'): ContrastiveLoss['of'] =>
  (z, { settings }) =>
    tripletsOfPairs(z, { kind, margin: marginOf(settings, 0.2) });

export const contrastiveLosses: Readonly<Record<ContrastiveSettings['loss'], ContrastiveLoss>> = {
  'nt-xent': {
    own: ['temperatureEnd', 'positives', 'positivesAfter'],
    chance: overOthers,
    among: 'others',
    of(z, { settings: { positives, positivesAfter }, temperature, feeds }) {
      if (positives === 0) return ntXent(z, { temperature });
      const nearest = feeds.scalar('positives', ({ epoch }) => (epoch < positivesAfter ? 0 : positives));
      return nearestPositives(z, { temperature, nearest });
    },
  },
  'info-nce': {
    own: ['temperatureEnd'],
    chance: overOtherView,
    among: 'other view',
    bound: true,
    of(z, { temperature }) {
      const unit = l2Normalize(z);
      return { ...symmetricInfoNce(...viewsOfPairs(unit), { temperature }), unit };
    },
  },
  decoupled: {
    own: ['temperatureEnd'],
    chance: softmaxOver('log(2N−2)', (n) => 2 * n - 2),
    among: 'others',
    of: decoupledNtXent,
  },
  debiased: {
    own: ['temperatureEnd', 'tauPlus'],
    chance: overOthers,
    among: 'others',
    of: (z, { temperature, settings: { tauPlus } }) => hardNegativeNtXent(z, { temperature, tauPlus, beta: 0 }),
  },
  'hard-negative': {
    own: ['temperatureEnd', 'tauPlus', 'beta'],
    chance: overOthers,
    among: 'others',
    of: (z, { temperature, settings: { tauPlus, beta } }) => hardNegativeNtXent(z, { temperature, tauPlus, beta }),
  },
  nce: {
    own: ['temperatureEnd'],
    // Data and k samples of noise that look alike: the best that a logistic regression can say is 1 : k.
    chance(n) {
      const k = 2 * n - 2;
      return { loss: Math.log1p(k) + k * Math.log1p(1 / k), formula: 'log(1+k) + k log(1+1/k), k = 2N−2' };
    },
    among: 'others',
    of: nceOfPairs,
  },
  margin: {
    own: ['margin'],
    // d² + (margin − d)² is least at half of the margin, if the views of an image are as far apart as others.
    chance: (_, settings) => ({ loss: marginOf(settings, 1) ** 2 / 2, formula: 'margin²/2' }),
    among: 'others',
    of: (z, { settings }) => marginOfPairs(z, { margin: marginOf(settings, 1) }),
  },
  'triplet-hard': {
    own: ['margin'],
    chance: (_, settings) => ({ loss: marginOf(settings, 0.2), formula: 'margin' }),
    among: 'others',
    of: triplets('hard'),
  },
  // Its mean is over negatives that lie within the margin: what it is says little.
  'triplet-semi-hard': { own: ['margin'], chance: () => undefined, among: 'others', of: triplets('semi-hard') },
  'n-pair': {
    own: [],
    chance: overOtherView,
    among: 'other view',
    of: (z) => ({ ...nPair(...viewsOfPairs(z), { l2: 0.02 }), unit: l2Normalize(z) }),
  },
  'sup-con': {
    own: ['temperatureEnd'],
    needsLabels: true,
    chance: overOthers,
    of(z, { temperature, feeds }) {
      const labels = feeds.labels(2);
      const unit = l2Normalize(z);
      return { loss: supCon(z, labels, { temperature }), accuracy: nearestLabelAccuracy(unit, labels), unit };
    },
  },
};

/** Where there is a temperature, it can have a schedule. */
const hasTemperature = (loss: ContrastiveSettings['loss']): boolean =>
  contrastiveLosses[loss].own.includes('temperatureEnd');

/** UserError: a setting of another loss than the chosen one has another value than its default. `given` of `Method.check`. */
export function checkContrastive(
  settings: ContrastiveSettings,
  name: Naming,
  given: (setting: string) => boolean = () => false,
): void {
  const { loss, temperature } = settings;
  if (!hasTemperature(loss) && given('temperature')) {
    const others = Object.keys(contrastiveLosses).filter((other) => hasTemperature(other as typeof loss));
    throw new UserError(
      `${name('temperature')} (${temperature}) is a setting of ${name('loss')} ${others.join(', ')}, not of ${loss}; omit it`,
      2,
    );
  }
  const own = Object.keys(contrastiveOptions).filter((key) => key !== 'loss') as Own[];
  for (const key of own) {
    const value = settings[key];
    if (contrastiveLosses[loss].own.includes(key) || value === contrastiveOptions[key].parse(undefined)) continue;
    const of = Object.entries(contrastiveLosses).flatMap(([other, { own }]) => (own.includes(key) ? other : []));
    throw new UserError(
      `${name(key)} (${value}) is a setting of ${name('loss')} ${of.join(', ')}, not of ${loss}; omit it`,
      2,
    );
  }
}

/** The temperature of a step: a number, so that nothing is fed, or by half a cosine to that of the end. */
function temperatureAt({ temperature, temperatureEnd }: ContrastiveSettings, feeds: Feeds): number | Tensor {
  if (temperatureEnd === 0) return temperature;
  return feeds.scalar('temperature', ({ step, steps }) =>
    cosineBetween(temperature, temperatureEnd, (step - 1) / steps),
  );
}

/** What a method with `contrastiveOptions` makes of the embeddings of a batch by the loss that is chosen. */
export interface Contrast {
  compare(
    z: Tensor,
    feeds: Feeds,
  ): Pick<Compared, 'loss' | 'unit'> & { readonly log: Readonly<Record<string, Tensor>> };
  readonly metrics: Readonly<Record<string, Metric>>;
  readonly chance?: Chance;
  /** Images are told apart from each other, not classes. */
  readonly discriminatesImages: boolean;
}

/** The loss that `--loss` names, ready to compare the embeddings of batches, with what it logs and what guessing would give. */
export function contrast(settings: ContrastiveSettings, { batchSize: n }: Pick<Build, 'batchSize'>): Contrast {
  const loss = contrastiveLosses[settings.loss];
  const bounds = loss.bound === true;
  const guessed = loss.chance(n, settings);
  return {
    compare(z, feeds) {
      const temperature = temperatureAt(settings, feeds);
      const { unit, accuracy, ...compared } = loss.of(z, { settings, temperature, feeds });
      const bound = bounds && { informationBound: sub(Math.log(n), compared.loss) };
      return { loss: compared.loss, unit, log: { accuracy, ...bound } };
    },
    metrics: { accuracy, ...(bounds && { informationBound }) },
    ...(guessed && { chance: { ...guessed, ...accuracyOf(loss, n) } }),
    discriminatesImages: !loss.needsLabels,
  };
}

/** What guessing finds, and what a model has not learnt whose loss is no better. */
function accuracyOf({ among }: ContrastiveLoss, n: number): Pick<Chance, 'accuracy' | 'note' | 'meaning'> {
  if (!among) return { meaning: 'the model does not distinguish the classes' };
  const candidates = among === 'others' ? others(n) : n;
  const of = among === 'others' ? `${candidates} others` : `${candidates} of the other view`;
  return {
    accuracy: 1 / candidates,
    note: `a view’s pair among ${of}`,
    meaning: 'the model does not distinguish views of one image from those of others',
  };
}
