/** How far a training is: counters without which it could not go on exactly, and the sums of the epoch that is under way. */
import { z } from 'zod';
import { measured } from '../io/checked.ts';
import { lossScales, stepCount } from './counters.ts';

/** Sums over steps by the names of what was summed: `loss`, `accuracy`. */
export const sumsSchema = () => z.record(z.string(), measured()).readonly();

export const progressShape = {
  /** Steps done. */
  step: stepCount(),
  sums: sumsSchema(),
  /** Steps in the sums; checkpoints of older versions do not say. */
  summed: z.number().int().min(0).optional(),
  /** Set in f16. */
  lossScales: lossScales(),
};

/** Files of before sums had names have those of loss and accuracy beside the counters. */
export function withFormerSums(progress: unknown): unknown {
  if (typeof progress !== 'object' || progress === null || 'sums' in progress) return progress;
  const { loss, accuracy, ...rest } = progress as Record<string, unknown>;
  return { ...rest, sums: { loss, accuracy } };
}

export const progressSchema = z.preprocess(withFormerSums, z.object(progressShape));
export type Progress = Readonly<z.infer<typeof progressSchema>>;

export const atStart: Progress = { step: 0, sums: {}, summed: 0 };

/** The sums with the values of one more step. */
export function withStep(
  { sums, summed }: Progress,
  perEpoch: number,
  step: number,
  values: Progress['sums'],
): Progress {
  const before = summed ?? formerlySummed(sums, step - 1, perEpoch);
  const added = Object.entries(values).map(([name, value]) => [name, (sums[name] ?? 0) + value] as const);
  return { step, sums: Object.fromEntries(added), summed: before + 1 };
}

/** A checkpoint that does not say has either none of the epoch's steps in its sums, where --steps ended the run within the epoch, or all. */
const formerlySummed = (sums: Progress['sums'], step: number, perEpoch: number): number =>
  (sums['loss'] ?? 0) === 0 ? 0 : step % perEpoch;

/** Means over the steps of the epoch so far. */
export function meansOf({ sums, summed, step }: Progress, perEpoch: number): Record<string, number> {
  const steps = summed ?? formerlySummed(sums, step, perEpoch);
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / steps]));
}
