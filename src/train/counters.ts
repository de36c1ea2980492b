/** Counters of a training as files keep them. */
import { z } from 'zod';

/** A step counter. */
export const stepCount = () => z.number().int().min(0).max(99_999_999);
/** Where the loss scale of a training in f16 stands: counts are good steps since the scale changed, good steps, skipped steps. */
const lossScaleProgress = z.object({
  scale: z.number().gt(0),
  counts: z.array(z.number().int().min(0)).length(3),
});
export type LossScaleProgress = Readonly<z.infer<typeof lossScaleProgress>>;
/** The loss scales of the groups that have one, by name. */
export const lossScales = () => z.record(z.string(), lossScaleProgress).optional();
export type LossScales = Readonly<Record<string, LossScaleProgress>>;
