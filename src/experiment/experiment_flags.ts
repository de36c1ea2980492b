/** An experiment's settings as the flags that give them. */
import type { DeviceTraits } from '../gpu/device.ts';
import { methodGiven, toBeGiven } from '../train/setting_flags.ts';
import { architectureDefaults, flagOf, methodOf, settingsOf, wordsOf } from '../train/settings.ts';
import { supervisedSettings } from '../train/supervised_settings.ts';
import {
  type ExperimentPlan,
  onlySupervised,
  ownSupervised,
  pretrainDefaults,
  softwareSupervised,
  supervisedKey,
} from './experiment_settings.ts';

const supervisedNames = [...ownSupervised, ...onlySupervised];

/** The flags with which an experiment on such a device has these settings; defaults are left out. */
export function experimentFlags(
  { checkpoint, seeds, folds, pretrain, supervised }: ExperimentPlan,
  traits: Pick<DeviceTraits, 'software'>,
): string[] {
  const flag = (name: string, value: unknown) => wordsOf(flagOf(name), value);
  const method = methodOf(pretrain);
  const defaults = { ...settingsOf(method).parse({}), ...architectureDefaults(method, pretrain, 'recipe') };
  const resolve = (given: object) => ({
    ...architectureDefaults(method, given, 'recipe'),
    ...pretrainDefaults({ method: method.name, ...given }, traits),
  });
  // An encoder that is taken has its own settings; only the precision of what follows is free.
  const pretraining =
    checkpoint === null
      ? {
          ...methodGiven(pretrain.method),
          ...toBeGiven({ ...pretrain }, defaults, resolve),
        }
      : { precision: supervised.precision, seed: seeds[0] };
  const { seed, precision, ...others } = pretraining as Readonly<Record<string, unknown>>;
  const own = Object.fromEntries(supervisedNames.map((name) => [name, supervised[name]]));
  const small = traits.software ? softwareSupervised : {};
  const labelled = toBeGiven(own, supervisedSettings.parse({}), (given) => ({ ...small, ...given }));
  return [
    ...(checkpoint === null ? [] : flag('checkpoint', checkpoint)),
    ...Object.entries(others).flatMap(([name, value]) => flag(name, value)),
    ...(precision === undefined || precision === 'f32' ? [] : flag('precision', precision)),
    ...(seeds.length > 1 ? flag('seeds', seeds) : seed === undefined ? [] : flag('seed', seed)),
    ...(folds === null ? [] : flag('folds', folds)),
    ...Object.entries(labelled).flatMap(([name, value]) =>
      flag(supervisedKey(name as (typeof supervisedNames)[number]), value),
    ),
  ];
}
