/** What is to be said of texts that a text network is asked with. */
import type { Tokenizer } from '../data/tokenizer.ts';

/** A text network, as far as its tokens go. */
interface Tokens {
  readonly tokenizer: Tokenizer;
  /** Tokens of a text with its padding. */
  readonly context: number;
}

/** Texts that are longer than the network takes: they lose their last tokens. */
export const tooLong = ({ tokenizer, context }: Tokens, texts: readonly string[]): readonly string[] =>
  texts.filter((text) => tokenizer.encode(text).length > context - 2);

/** Words of texts that no text of the training has had often; each is spelt in parts. */
export function unknownWords({ tokenizer }: Tokens, texts: readonly string[]): readonly string[] {
  const words = new Set(texts.flatMap((text) => text.toLowerCase().match(/\p{L}+/gu) ?? []));
  return [...words].filter((word) => tokenizer.encode(word).length > 1);
}

/** Words and sentences that a text network cannot know or take whole, a line each. @param learnt what it has learnt from */
export function textNotes(tokens: Tokens, texts: readonly string[], learnt = 'captions'): string[] {
  const [unknown, long] = [unknownWords(tokens, texts), tooLong(tokens, texts)];
  const some = (list: readonly string[]) =>
    `${list.slice(0, 8).join(', ')}${list.length > 8 ? ` and ${list.length - 8} more` : ''}`;
  return [
    ...(unknown.length > 0
      ? [`words that are no tokens of the training's ${learnt}, spelt in parts: ${some(unknown)}`]
      : []),
    ...(long.length > 0 ? [`cut to the context of the text network: ${some(long)}`] : []),
  ];
}
