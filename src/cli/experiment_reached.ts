/** How far an experiment has come, for whoever asks whether it gets anywhere. */
import type { ExperimentEvents } from '../experiment/experiment.ts';

/** More than any stage has. */
const stepsOfStage = 2 ** 32;

/** How far work in stages ever came: through how many of them, and steps of the one under way. */
export class Reached {
  private number = 0;
  furthest = 0;

  /** A stage begins: its number, from 1. */
  stage(number: number): void {
    this.number = number;
    this.step(0);
  }

  step(step: number): void {
    this.furthest = Math.max(this.furthest, this.number * stepsOfStage + step);
  }
}

/** The same events, and how far they tell that the experiment ever came. */
export function followed(events: ExperimentEvents): { events: ExperimentEvents; reached: () => number } {
  const reached = new Reached();
  const { onStage, pretraining, supervised } = events;
  return {
    reached: () => reached.furthest,
    events: {
      onStage(begun) {
        reached.stage(begun.number);
        onStage?.(begun);
      },
      pretraining: {
        ...pretraining,
        onStep(report) {
          reached.step(report.step);
          pretraining?.onStep?.(report);
        },
      },
      supervised: {
        ...supervised,
        onStep(report) {
          reached.step(report.step);
          supervised?.onStep?.(report);
        },
      },
    },
  };
}
