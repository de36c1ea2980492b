export interface ScheduleOptions {
  /** The learning rate after warm-up. */
  readonly base: number;
  /** Steps of the whole run. */
  readonly total: number;
  /** Steps of the linear warm-up, 0 for none. */
  readonly warmup?: number;
  /** Shares of the run from which on `step` takes a tenth of the learning rate. */
  readonly milestones?: readonly number[];
}

/** The learning rate of a step; steps count from 1 to `total`. */
export type Schedule = (step: number, options: ScheduleOptions) => number;

/** to + (from − to) ½ (1 + cos π p): `from` at progress p = 0, `to` from 1 on. MoCo's, BYOL's and DINO's schedules of momentum and decay. */
export const cosineBetween = (from: number, to: number, progress: number): number =>
  to + ((from - to) * (1 + Math.cos(Math.PI * Math.min(1, progress)))) / 2;

/** from + (to − from) p, `to` from p = 1 on. */
export const linearBetween = (from: number, to: number, progress: number): number =>
  from + (to - from) * Math.min(1, progress);

/** During the w steps of warm-up lr(t) = base · t/w, then what `rest` makes of the progress (t − 1 − w)/(T − w), 0 to 1 after step T. */
const warmedUp =
  (rest: (progress: number, options: ScheduleOptions) => number): Schedule =>
  (step, options) => {
    const { base, total, warmup = 0 } = options;
    if (step <= warmup) return (base * step) / warmup;
    return rest(Math.min(1, (step - 1 - warmup) / (total - warmup)), options);
  };

const constant = warmedUp((_progress, { base }) => base);

/** How the learning rate changes over a run, by name: functions of the step. */
export const schedules = {
  constant,
  cosine: warmedUp((progress, { base }) => cosineBetween(base, 0, progress)),
  linear: warmedUp((progress, { base }) => linearBetween(base, 0, progress)),
  /** A tenth at each milestone, which are shares of the whole run, its warm-up too: MoCo v1. */
  step: (step, options) => {
    const { total, milestones = [] } = options;
    const passed = milestones.filter((share) => (step - 1) / total >= share - 1e-12).length;
    return constant(step, options) * 0.1 ** passed;
  },
} satisfies Record<string, Schedule>;
