/** Whether a training goes on with the settings that its checkpoint was trained with: a file with settings may have been edited. */
import { epochSteps, type SampleCount } from '../data/order.ts';
import { UserError } from '../errors.ts';
import { totalSteps } from '../ssl/settings.ts';
import type { Checkpoint } from './checkpoint.ts';
import { extensible } from './longer.ts';
import { methodOf, settingNames, settingOf, type TrainSettings } from './settings.ts';

/**
 * A run may have been made longer since its checkpoint was written; everything else must be as it was.
 *
 * @param source what has the settings, for the message
 * @param images of which an epoch is made
 * @throws UserError names the first setting that differs
 */
export function checkSameSettings(
  source: string,
  settings: TrainSettings,
  { path, settings: before }: Pick<Checkpoint, 'path' | 'settings'>,
  images: SampleCount,
): void {
  if (settings.method !== before.method) throw otherSetting(source, 'method', settings.method, path, before.method);
  const fixed = settingNames(methodOf(settings)).filter((name) => !(extensible as readonly string[]).includes(name));
  const differs = (name: string) => settingOf(settings, name) !== settingOf(before, name);
  const other = fixed.find(differs) ?? shortened(settings, before, images);
  if (other) throw otherSetting(source, other, settingOf(settings, other), path, settingOf(before, other));
}

/** The setting that makes a run shorter than it was when its checkpoint was written. */
function shortened(settings: TrainSettings, before: TrainSettings, images: SampleCount): string | undefined {
  const perEpoch = epochSteps(images, before.batchSize);
  if (totalSteps(settings, perEpoch) >= totalSteps(before, perEpoch)) return undefined;
  return settings.epochs < before.epochs ? 'epochs' : 'steps';
}

/** The refusal to go on with one setting in place of another. */
export const otherSetting = (
  source: string,
  name: string,
  now: unknown,
  checkpoint: string,
  before: unknown,
): UserError =>
  new UserError(
    `${source}: ${name} is ${now}, but ${checkpoint} was trained with ${before}; set it back to ${before}, or start a new run in another folder`,
  );
