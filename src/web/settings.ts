/** The settings of a training in a page. */
import type { ImageSet } from '../data/images.ts';
import { epochSteps } from '../data/order.ts';
import { kindOf } from '../data/samples.ts';
import { plannedImages } from '../data/source.ts';
import { UserError } from '../errors.ts';
import type { DeviceTraits } from '../gpu/device.ts';
import { memoryOf } from '../graph/buffer_pool.ts';
import { plan } from '../graph/plan.ts';
import type { State } from '../graph/state.ts';
import { allMethods } from '../methods/index.ts';
import { countNumbers } from '../nn/module.ts';
import { type Learner, type Method, needsBeside } from '../ssl/method.ts';
import { totalSteps } from '../ssl/settings.ts';
import { trainedParameters } from '../ssl/step.ts';
import { traceStep } from '../ssl/trace_step.ts';
import { inMemoryOrder } from '../ssl/training_step.ts';
import { stepParts } from '../train/learner.ts';
import { withRecipe } from '../train/recipe.ts';
import { methodOf, parseSettings, type TrainSettings } from '../train/settings.ts';
import type { TrainingFacts, WebSettings } from './protocol.ts';

/** What learns from photos in no order, and from nothing else. */
export const photoMethods = (): readonly Method[] =>
  allMethods().filter((method) => kindOf(method) === 'images' && needsBeside(method).length === 0);

const asTheyAre = (name: string): string => name;

/** Batches that are usual, for sets that are smaller than the usual batch. */
const largestBatch = (count: number, most: number): number => Math.min(most, 2 ** Math.floor(Math.log2(count)));

/**
 * Settings with the defaults under them: a batch is never larger than the set, unless somebody asks for that.
 * @throws UserError a setting is wrong, or the method or its settings need more than photos
 */
export function settingsFor(given: WebSettings, set: ImageSet, traits: Pick<DeviceTraits, 'software'>): TrainSettings {
  const method = methodOf(given, undefined, asTheyAre);
  if (!photoMethods().includes(method)) {
    const names = photoMethods().map(({ name }) => name);
    throw new UserError(`method ${method.name} needs more than photos; choose one of ${names.join(', ')}`);
  }
  const all = withRecipe({ ...given, imageSize: set.height }, { software: traits.software, sample: false });
  const usual = parseSettings({ ...all, microBatch: 0 }, undefined, asTheyAre);
  const batchSize = given['batchSize'] ?? largestBatch(set.count, usual.batchSize);
  const settings = parseSettings({ ...all, batchSize }, undefined, asTheyAre);
  if (set.count >= settings.batchSize) return settings;
  throw new UserError(
    `${set.count} photos are fewer than a batch of ${settings.batchSize}; choose a smaller batch size, or more photos`,
  );
}

/** What is known of a training from its learner and settings. */
export function describeTraining(
  learner: Learner,
  settings: TrainSettings,
  set: ImageSet,
): Omit<TrainingFacts, 'peakBytes'> {
  const stepsPerEpoch = epochSteps(set, settings.batchSize);
  const steps = totalSteps(settings, stepsPerEpoch);
  const metrics = Object.entries(learner.metrics ?? {}).map(([name, { label, format }]) => [name, { label, format }]);
  return {
    method: settings.method,
    parameters: countNumbers(trainedParameters(learner)),
    ...{ steps, stepsPerEpoch, epochs: Math.ceil(steps / stepsPerEpoch), batchSize: settings.batchSize },
    ...(learner.chance && { chance: learner.chance.loss }),
    metrics: Object.fromEntries(metrics),
    settings: settings as unknown as WebSettings,
  };
}

/**
 * Plans a training without memory on the device: what it would be, and what it would take.
 * @throws OutOfMemory it has a tensor that the device does not bind
 */
export function planTraining(state: State, set: ImageSet, settings: TrainSettings): TrainingFacts {
  const parts = stepParts(plannedImages(state, set), settings);
  const { traits } = state.gpu;
  const plans = traceStep(parts).phases.map((phase) => plan(phase.graph, Object.values(phase.outputs), traits));
  const { intermediates, leaves } = memoryOf(inMemoryOrder(plans));
  return { ...describeTraining(parts.learner, settings, set), peakBytes: intermediates + leaves };
}
