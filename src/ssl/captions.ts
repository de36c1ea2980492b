/** Captions as inputs of a step. */
import type { ImageSet } from '../data/images.ts';
import type { Tokenizer } from '../data/tokenizer.ts';
import type { Feeds } from './feeds.ts';
import { type TokenInputs, textTokens } from './texts.ts';

/** The caption of each image in this epoch, as tokens in rows of T. */
export const captionTokens = (feeds: Feeds, tokenizer: Tokenizer, length: number): TokenInputs =>
  textTokens(feeds, tokenizer, length, (image, time) => feeds.captionOf(image, time));

/** Images of a batch that have, on average, the caption of another one of it. */
export function expectedTwins({ captions = [] }: Pick<ImageSet, 'captions'>, batchSize: number): number {
  const counts = new Map<string, number>();
  // An image with several captions has each in a share of the epochs.
  for (const own of captions) for (const text of own) counts.set(text, (counts.get(text) ?? 0) + 1 / own.length);
  const total = captions.length;
  let twins = 0;
  for (const count of counts.values())
    twins += (count / total) * (1 - (1 - Math.max(0, count - 1) / Math.max(1, total - 1)) ** (batchSize - 1));
  return twins;
}
