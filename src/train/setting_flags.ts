/** Settings as the flags that give them. */

import type { DeviceTraits } from '../gpu/device.ts';
import { firstMethod } from '../methods/index.ts';
import { isSized, withRecipe } from './recipe.ts';
import {
  architectureDefaults,
  flagOf,
  type GivenSettings,
  methodOf,
  settingsOf,
  type TrainSettings,
  wordsOf,
} from './settings.ts';

type Values = Readonly<Record<string, unknown>>;

/**
 * The values of `wanted` that have to be given: those that are not `defaults`, and those that are nevertheless not what `resolve`
 * makes of what is given, for on some devices, or beside other settings, there are other defaults.
 */
export function toBeGiven(wanted: Values, defaults: Values, resolve: (given: Values) => Values): Values {
  let names = Object.keys(wanted).filter((name) => wanted[name] !== defaults[name]);
  for (;;) {
    const given = Object.fromEntries(names.map((name) => [name, wanted[name]]));
    const found = { ...defaults, ...resolve(given) };
    const missing = Object.keys(wanted).filter((name) => !names.includes(name) && found[name] !== wanted[name]);
    if (missing.length === 0) return given;
    names = Object.keys(wanted).filter((name) => names.includes(name) || missing.includes(name));
  }
}

/** The method where it is not the one that is taken by default. */
export const methodGiven = (method: string): { method?: string } => (method === firstMethod.name ? {} : { method });

/** The flags, in the order of the table, with which a training on such a device has these settings; defaults are left out. */
export function settingFlags(settings: TrainSettings, { software }: Pick<DeviceTraits, 'software'>): string[] {
  const where = { software, sample: false };
  const resolve = (some: GivenSettings) => ({
    ...withRecipe({ method: settings.method, ...some }, where),
    ...(isSized(some, where) && { steps: 'as many as fit' }), // no number of steps: one has to be given
  });
  const method = methodOf(settings);
  const defaults = { ...settingsOf(method).parse({}), ...architectureDefaults(method, settings, 'recipe') };
  const given = { ...methodGiven(settings.method), ...toBeGiven({ ...settings }, defaults, resolve) };
  return Object.entries(given).flatMap(([name, value]) => wordsOf(flagOf(name), value));
}
