/** A longer training in place of one that has begun. */
import { UserError } from '../errors.ts';
import { counted } from '../io/counted.ts';
import { learningRate, type SettingName, totalSteps } from '../ssl/settings.ts';
import type { GivenSettings, TrainSettings } from './settings.ts';

/** The settings that may change when a training goes on. */
export const extensible = ['epochs', 'steps'] as const satisfies readonly SettingName[];

/**
 * The settings with a greater length. Steps alone raise the epochs as far as they need, epochs alone lift a limit of steps.
 *
 * @param given some of `extensible`
 * @param step how many steps are done
 * @param nameOf what the user calls a setting
 * @returns the settings, and what is to be said of the new length
 * @throws UserError (usage) the length is not greater
 */
export function longerTraining(
  settings: TrainSettings,
  given: GivenSettings,
  perEpoch: number,
  step: number,
  nameOf: (setting: string) => string,
): { settings: TrainSettings; notes: string[] } {
  const longer = longerSettings(settings, given, perEpoch);
  const [before, after] = [totalSteps(settings, perEpoch), totalSteps(longer, perEpoch)];
  if (after <= before) {
    const lengths = extensible.flatMap((name) => (name in given ? [`${nameOf(name)} ${given[name]}`] : []));
    throw new UserError(
      `${lengths.join(' ')}: that is ${counted(after, 'step')}, and the run is set to ${before}; a run can only be made longer`,
      2,
    );
  }
  const notes = [
    `extended from ${before} to ${counted(after, 'step')}; whatever is scheduled over the whole run spans these now`,
    ...scheduleNote(settings, step, before, after, perEpoch),
  ];
  return { settings: longer, notes };
}

function longerSettings(settings: TrainSettings, given: GivenSettings, perEpoch: number): TrainSettings {
  const steps = given.steps ?? (given.epochs === undefined ? settings.steps : 0);
  const epochs = given.epochs ?? Math.max(settings.epochs, Math.ceil(steps / perEpoch));
  return { ...settings, epochs, steps };
}

/** A schedule over all steps jumps where their number changes. */
function scheduleNote(
  settings: TrainSettings,
  step: number,
  before: number,
  after: number,
  perEpoch: number,
): string[] {
  if (settings.schedule === 'constant') return [];
  const at = (total: number) => learningRate(settings, Math.min(step + 1, total), total, perEpoch).toPrecision(3);
  return [
    `the ${settings.schedule} schedule now spans ${counted(after, 'step')}: the learning rate continues at ${at(after)} (it was at ${at(before)})`,
  ];
}
