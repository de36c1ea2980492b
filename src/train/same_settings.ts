/** Whether a training goes on with the settings that its checkpoint was trained with: a file with settings may have been edited. */
import { stepsPerEpoch } from '../data/order.ts';
import { UserError } from '../errors.ts';
import type { Checkpoint } from './checkpoint.ts';
import { extensible } from './extension.ts';
import { type SettingName, settingNames, type TrainSettings, totalSteps } from './settings.ts';

/**
 * A run may have been made longer since its checkpoint was written; everything else must be as it was.
 *
 * @param source what has the settings, for the message
 * @param images how many images an epoch has
 * @throws UserError names the first setting that differs
 */
export function checkSameSettings(
  source: string,
  settings: TrainSettings,
  { path, settings: before }: Pick<Checkpoint, 'path' | 'settings'>,
  images: number,
): void {
  const fixed = settingNames.filter((name) => !(extensible as readonly SettingName[]).includes(name));
  const other = fixed.find((name) => settings[name] !== before[name]) ?? shortened(settings, before, images);
  if (other) throw otherSetting(source, other, settings[other], path, before[other]);
}

/** The setting that makes a run shorter than it was when its checkpoint was written. */
function shortened(settings: TrainSettings, before: TrainSettings, images: number): SettingName | undefined {
  const perEpoch = stepsPerEpoch(images, before.batchSize);
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
