/** Settings, schedule and measures of methods whose student predicts which of K outputs a teacher has: DINO, iBOT. */
import { z } from 'zod';
import { linearBetween } from '../optim/schedule.ts';
import type { StepTime } from './feeds.ts';
import type { Chance, Metric } from './method.ts';
import { count, positive, share } from './settings.ts';

export const distillationOptions = {
  studentTemperature: positive().default(0.1).describe('temperature τs of the student'),
  teacherTemperature: positive().default(0.04).describe('temperature τt of the teacher in the first epoch'),
  teacherTemperatureEnd: positive().default(0.04).describe('its value after --teacher-temperature-epochs'),
  teacherTemperatureEpochs: count(0).default(30).describe('epochs in which it changes, in equal steps'),
  centering: z
    .enum(['mean', 'sinkhorn'])
    .default('mean')
    .describe('what keeps outputs from being all the same: a running mean that is taken off (c), or Sinkhorn’s codes'),
  centerMomentum: share().default(0.9).describe('momentum of the centre c'),
};

interface TeacherTemperature {
  readonly teacherTemperature: number;
  readonly teacherTemperatureEnd: number;
  readonly teacherTemperatureEpochs: number;
}

/** τt of an epoch: equal steps over the first epochs, the first and the last of which have its first and its last value. */
export const teacherTemperatureOf =
  ({ teacherTemperature: from, teacherTemperatureEnd: to, teacherTemperatureEpochs: epochs }: TeacherTemperature) =>
  ({ epoch }: StepTime): number =>
    epoch >= epochs ? to : linearBetween(from, to, epoch / Math.max(1, epochs - 1));

const number = { format: 'number', epoch: 'mean' } as const;

/** Of targets over K outputs, `teacherEntropy` and `kl`, which tell both collapses. */
export const targetMetrics = (K: number): Readonly<Record<string, Metric>> => ({
  teacherEntropy: {
    ...{ label: 'entropy', ...number },
    note: `of the teacher’s targets: 0 or log K = ${Math.log(K).toFixed(3)} when collapsed, between them when healthy`,
  },
  kl: { label: 'KL', ...number, note: 'from targets to predictions: loss − entropy' },
});

/** The same of hidden patches. */
export const patchTargetMetrics = {
  patchLoss: {
    label: 'iBOT',
    ...number,
    note: 'cross-entropy of hidden patches; log K of predictions that say nothing',
  },
  patchEntropy: { label: 'patch entropy', ...number, note: 'of the teacher’s targets of these patches' },
} satisfies Readonly<Record<string, Metric>>;

export const koleoMetric: Metric = {
  ...{ label: 'KoLeo', ...number },
  note: 'mean −log distance of an image’s features to the nearest other’s, both views added: the lower, the farther apart',
};

/** What uniform predictions give in `losses` cross-entropies over K outputs, weights added up. */
export const chanceOfTargets = (
  K: number,
  { losses, patience }: { readonly losses: number; readonly patience: number },
): Chance => ({
  ...{ loss: losses * Math.log(K), formula: losses === 1 ? 'log K' : `${losses} log K`, patience },
  meaning: 'the student predicts the same of every crop: targets are uniform, or nothing has been learnt of them',
  remedy: 'sharpen targets with a lower --teacher-temperature and --teacher-temperature-end (0.02)',
});
