/** A longer training of a run that is there: what `--resume` with `--epochs` or `--steps` does. */

import { epochSteps } from '../data/order.ts';
import { UserError } from '../errors.ts';
import { counted } from '../io/counted.ts';
import { learningRate, type SettingName, totalSteps } from '../ssl/settings.ts';
import { type RunConfig, samplesOf } from './run_config.ts';
import { flagOf, type GivenSettings, settingOf, type TrainSettings } from './settings.ts';

/** The settings that may be given when a run is resumed. */
export const extensible = ['epochs', 'steps'] as const satisfies readonly SettingName[];

/**
 * The config of a run as it is resumed: the recorded one, or with the greater length that was given. Steps alone raise the epochs
 * as far as they need, epochs alone lift a limit of steps.
 *
 * @param step how many steps are done
 * @returns the config, and what is to be said of a new length
 * @throws UserError (usage) other settings than the run's, or a length that is not greater
 */
export function resumedConfig(
  path: string,
  config: RunConfig,
  given: GivenSettings,
  step: number,
): { config: RunConfig; notes: string[] } {
  const { settings } = config;
  const changed = Object.keys(given).filter((name) => given[name] !== settingOf(settings, name));
  const fixed = changed.filter((name) => !(extensible as readonly string[]).includes(name));
  if (fixed.length > 0) {
    throw new UserError(
      `--resume continues with the settings in ${path}/config.json; omit ${fixed.map(flagOf).join(', ')} (only --epochs and --steps can be raised)`,
      2,
    );
  }
  if (changed.length === 0) return { config, notes: [] };
  const perEpoch = epochSteps(samplesOf(config), settings.batchSize);
  const longer = longerSettings(settings, given, perEpoch);
  const [before, after] = [totalSteps(settings, perEpoch), totalSteps(longer, perEpoch)];
  if (after <= before) {
    const flags = changed.map((name) => `${flagOf(name)} ${given[name]}`).join(' ');
    throw new UserError(
      `${flags}: that is ${counted(after, 'step')}, and the run is set to ${before}; a run can only be made longer`,
      2,
    );
  }
  const { epochs, steps } = settings;
  const extended = [...(config.extended ?? []), { at: new Date().toISOString(), step, epochs, steps }];
  const notes = [
    `extended from ${before} to ${counted(after, 'step')}; whatever is scheduled over the whole run spans these now`,
    ...scheduleNote(settings, step, before, after, perEpoch),
  ];
  return { config: { ...config, settings: longer, extended }, notes };
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
