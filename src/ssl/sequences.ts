/** What methods that learn from sequences have in common. */
import type { ImageFacts, SequenceFacts } from './method.ts';
import { count } from './settings.ts';

/** Settings of every method that learns from sequences: `feeds.windows(name, settings.window)` are what it sees of them. */
export const sequenceOptions = {
  window: count(16)
    .max(2 ** 20)
    .default(20480)
    .describe('frames of a sequence that are seen at a time: samples of sound, rows of an array'),
};

/** What is known of the sequences. Error: the data are none. */
export function sequencesOf({ sequences }: ImageFacts): SequenceFacts {
  if (sequences) return sequences;
  throw new Error('the method learns from sequences, which the data are not');
}
