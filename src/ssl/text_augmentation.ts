/** What is done to a text so that it is another view of the same: words are left out, or others stand for them. */
import type { Random } from './rng.ts';

/** What `augmentText` can do to a text, besides nothing. */
export const textAugmentations = ['none', 'deletion', 'replacement'] as const;
/** One of `textAugmentations`. */
export type TextAugmentation = (typeof textAugmentations)[number];

/** Letters, marks and digits, with apostrophes and hyphens between them: `don't`, `well-known`. */
const word = /[\p{L}\p{M}\p{N}]+(?:['’-][\p{L}\p{M}\p{N}]+)*/gu;

/** The words of texts, each once, in the order in which they are first met; as they are written. */
export function wordsIn(texts: Iterable<string>): string[] {
  const found = new Set<string>();
  for (const text of texts) for (const [each] of text.matchAll(word)) found.add(each);
  return [...found];
}

/**
 * A text of which each word is, independently and with probability `share`, left out (`deletion`; the random deletion of Wei and Zou, 2019, as a
 * view in Gao et al., 2021) or replaced by one drawn evenly from `words` (`replacement`). Of a text with words at least one stays. Signs and
 * blanks stay as they are, but for the blanks before a word that is left out, or behind it at the start of the text. A text without words,
 * and any text with `none`, stays as it is.
 *
 * Error: `share` is not from 0 to 1, or there is nothing to replace words by.
 */
export function augmentText(
  text: string,
  kind: TextAugmentation,
  share: number,
  random: Random,
  words: readonly string[],
): string {
  if (!(share >= 0 && share <= 1)) throw new Error(`augmentText: the share of words is ${share}, not from 0 to 1`);
  switch (kind) {
    case 'none':
      return text;
    case 'deletion':
      return withoutWords(text, share, random);
    case 'replacement':
      if (words.length === 0) throw new Error('augmentText: there are no words to replace others by');
      return text.replace(word, (own) => (random.uniform() < share ? words[random.below(words.length)] : own));
  }
}

function withoutWords(text: string, share: number, random: Random): string {
  const found = Array.from(text.matchAll(word));
  const stays = found.map(() => random.uniform() >= share);
  if (found.length > 0 && !stays.includes(true)) stays[random.below(found.length)] = true;
  let [rest, from] = ['', 0];
  found.forEach(({ 0: own, index }, i) => {
    const between = text.slice(from, index);
    rest += stays[i] ? between + own : between.trimEnd();
    from = index + own.length;
  });
  rest += text.slice(from);
  return stays[0] === false ? rest.trimStart() : rest;
}
