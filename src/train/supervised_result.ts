/** What a supervised training ends with: `result.json`. */
import { z } from 'zod';
import { supervisedEpoch } from './supervised_events.ts';
import { supervisedModes } from './supervised_settings.ts';

const count = () => z.number().int().min(0);
const encoderDigest = z.object({ weights: z.string(), statistics: z.string() }).readonly();

export const supervisedResult = z.object({
  mode: z.enum(supervisedModes),
  classes: count(),
  /** Numbers in the whole classifier, and in the part that was trained. */
  parameters: count(),
  trained: count(),
  /** Images a step: the setting, or all training images where there are fewer. */
  batchSize: count(),
  stepsPerEpoch: count(),
  epochs: z.array(supervisedEpoch.readonly()).min(1).readonly(),
  /** The epoch that counts. */
  last: supervisedEpoch.readonly(),
  /** The first epoch with the best test accuracy, to be shown beside the last: it was chosen by looking at the test set. */
  best: supervisedEpoch.readonly(),
  /** Digests of the encoder before and after: equal where it is frozen (with `frozenBn: 'batch'`, those of its weights are). */
  encoder: z.object({ before: encoderDigest, after: encoderDigest }).readonly(),
  /** Of all processes that worked on the training, compiling included. */
  wallSeconds: z.number(),
});
/** What a training with labels ended with, as its result file has it. */
export type SupervisedResult = Readonly<z.infer<typeof supervisedResult>>;
