export interface ScheduleOptions {
  /** The learning rate after warm-up. */
  readonly base: number;
  /** Steps of the whole run. */
  readonly total: number;
  /** Steps of the linear warm-up, 0 for none. */
  readonly warmup?: number;
}

/** The learning rate of a step; steps count from 1 to `total`. */
export type Schedule = (step: number, options: ScheduleOptions) => number;

/** lr(t) = base · t/w during the w steps of warm-up, then base. */
export const constant: Schedule = (step, { base, warmup = 0 }) => (step < warmup ? (base * step) / warmup : base);

/** lr(t) = base · t/w during the w steps of warm-up, then base · ½ (1 + cos(π (t − 1 − w)/(T − w))), which reaches 0 after step T. */
export const cosine: Schedule = (step, { base, total, warmup = 0 }) => {
  if (step <= warmup) return (base * step) / warmup;
  const progress = Math.min(1, (step - 1 - warmup) / (total - warmup));
  return (base * (1 + Math.cos(Math.PI * progress))) / 2;
};

export const schedules = { constant, cosine } satisfies Record<string, Schedule>;
