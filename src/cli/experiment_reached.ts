/** How far an experiment has come, for whoever asks whether it gets anywhere. */
import type { ExperimentEvents } from '../experiment/experiment.ts';

/** More than any stage has. */
const stepsOfStage = 2 ** 32;

/** The same events, and how far they tell that the experiment ever came: through how many stages, and steps of the one under way. */
export function followed(events: ExperimentEvents): { events: ExperimentEvents; reached: () => number } {
  let [stage, furthest] = [0, 0];
  const note = (step: number) => {
    furthest = Math.max(furthest, stage * stepsOfStage + step);
  };
  const { onStage, pretraining, supervised } = events;
  return {
    reached: () => furthest,
    events: {
      onStage(begun) {
        stage = begun.number;
        note(0);
        onStage?.(begun);
      },
      pretraining: {
        ...pretraining,
        onStep(report) {
          note(report.step);
          pretraining?.onStep?.(report);
        },
      },
      supervised: {
        ...supervised,
        onStep(report) {
          note(report.step);
          supervised?.onStep?.(report);
        },
      },
    },
  };
}
