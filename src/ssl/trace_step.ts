/** Traces a learner's step: at once, in micro-batches, or shared by several processes. */
import { checkNames } from '../nn/module.ts';
import { copyAsF16, TrainedGroup } from '../optim/trained_group.ts';
import { averagedPhases } from './averaged_step.ts';
import { GroupRates } from './group_rates.ts';
import type { Learner, ParameterGroup } from './method.ts';
import { microBatchPhases } from './micro_batch.ts';
import { makeOptimizer, type OptimizerSettings, type StepSettings } from './settings.ts';
import { plainPhase, type StepParts, type TracedGroup, type TracedStep, trainedParameters } from './step.ts';

/**
 * Traces a step, at once or in micro-batches, or the part of it that a process has which shares the batch with others (`ranks`).
 * UserError: the parts do not make up the batch, or the method has none.
 */
export function traceStep(parts: StepParts): TracedStep {
  const { learner, settings } = parts;
  const groups = trainedGroups(learner, settings);
  if (settings.precision === 'f16') copyKept(learner);
  const { batchSize, microBatch } = settings;
  if (parts.ranks) {
    const phases = learner.split ? microBatchPhases(parts, groups) : averagedPhases(parts, groups);
    return { learner, groups, phases };
  }
  const whole = microBatch === 0 || microBatch === batchSize;
  return { learner, groups, phases: whole ? [plainPhase(parts, groups)] : microBatchPhases(parts, groups) };
}

/** The groups of a learner with the optimisers that the settings give them. Error: two parameters have one name. */
export function trainedGroups(
  learner: Learner,
  settings: Pick<StepSettings, 'precision'> & OptimizerSettings,
): TracedGroup[] {
  checkNames(trainedParameters(learner));
  return learner.groups.map((declared) => trainedGroup(declared, settings));
}

function trainedGroup(
  declared: ParameterGroup,
  settings: Pick<StepSettings, 'precision'> & OptimizerSettings,
): TracedGroup {
  const { name, modules, optimizer, scaled } = declared;
  const { clipNorm = 0, clipPer = 'all' } = settings;
  const rates = new GroupRates(declared, settings);
  const { rowOf } = rates;
  const trained = new TrainedGroup(
    name,
    modules.flatMap(({ parameters }) => parameters),
    {
      precision: scaled === false ? 'f32' : settings.precision,
      optimizer: (weights) => optimizer?.(weights, rowOf) ?? makeOptimizer(settings, weights, rowOf),
      ...(clipNorm > 0 && { clip: { maxNorm: clipNorm, per: clipPer } }),
    },
  );
  return { declared, trained, rates };
}

/** Modules that are kept beside the groups run in f16 too. */
function copyKept({ kept = {} }: Learner): void {
  for (const [name, value] of Object.entries(kept))
    if ('parameters' in value && value.parameters.length > 0) copyAsF16(name, value.parameters);
}
