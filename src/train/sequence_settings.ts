/** What settings say of sequences. */
import { settingOf, type TrainSettings } from './settings.ts';

/** Frames of a window: `--window`, which every method has that learns from sequences (`sequenceOptions`). */
export function windowOf(settings: TrainSettings): number {
  const window = settingOf(settings, 'window');
  if (typeof window === 'number') return window;
  throw new Error(`method ${settings.method}: learns from sequences and has no setting 'window'; add sequenceOptions`);
}
