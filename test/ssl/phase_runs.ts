/** The runs of a step's phases without a device to compile them for: what `TrainingStep.runs` gives its programs. */
import { stepsPerEpoch } from '../../src/data/order.ts';
import { totalSteps } from '../../src/ssl/settings.ts';
import type { StepParts, TracedStep } from '../../src/ssl/step.ts';
import type { PhaseRun, StepCounters } from '../../src/ssl/training_step.ts';

export function* phaseRuns(
  { phases, groups }: TracedStep,
  { source, settings }: StepParts,
  indices: Uint32Array,
  { step, epoch, lr = settings.lr }: StepCounters,
): Generator<PhaseRun> {
  const perEpoch = stepsPerEpoch(source.set.count, settings.batchSize);
  const whole = { seed: settings.seed, step, epoch, steps: totalSteps(settings, perEpoch), perEpoch };
  const scalars = Object.assign({}, ...groups.map(({ trained }) => trained.optimizer.scalars(step, lr)));
  for (const phase of phases) {
    const length = phase.images || indices.length;
    for (let first = 0; first < indices.length; first += length) {
      const piece = indices.subarray(first, first + length);
      const images = phase.images === 0 ? {} : source.inputs(piece);
      yield { phase, inputs: { ...phase.feeds.values({ ...whole, indices: piece, first }), ...scalars, ...images } };
    }
  }
}
