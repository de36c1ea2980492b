/** A longer training of a run that is there: what `--resume` with `--epochs` or `--steps` does. */

import { epochSteps } from '../data/order.ts';
import { UserError } from '../errors.ts';
import { extensible, longerTraining } from './longer.ts';
import { type RunConfig, samplesOf } from './run_config.ts';
import { flagOf, type GivenSettings, settingOf } from './settings.ts';

/**
 * The config of a run as it is resumed: the recorded one, or with the greater length that was given.
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
  const { settings: longer, notes } = longerTraining(settings, given, perEpoch, step, flagOf);
  const { epochs, steps } = settings;
  const extended = [...(config.extended ?? []), { at: new Date().toISOString(), step, epochs, steps }];
  return { config: { ...config, settings: longer, extended }, notes };
}
