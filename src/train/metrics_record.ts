/** Lines of `metrics.jsonl`, and what else may keep them. */
import { z } from 'zod';

/** One line of `metrics.jsonl`. Lines of a step and of an epoch carry the number of steps done. */
export const metricsRecord = z.looseObject({
  type: z.enum(['probe', 'step', 'epoch', 'warning']),
  step: z.number().int().min(0),
});
export type MetricsRecord = Readonly<z.infer<typeof metricsRecord>>;

/** A second record of a run, beside `metrics.jsonl`. */
export interface MetricsLog {
  /**
   * Before anything is recorded, and whenever a run resumes: steps after `step` will be recorded again.
   * @param kept what was recorded before
   */
  rewind(step: number, kept: readonly MetricsRecord[]): void;
  record(record: MetricsRecord): void;
  figure(kind: string, step: number, png: Uint8Array): void;
  close(): void;
}
