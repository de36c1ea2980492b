/** Text as numbers: byte-level byte-pair encoding (Sennrich et al., 2016; bytes as in GPT-2) whose merges are learnt from the texts themselves. */

/** Numbers that stand for no text. Behind them are the 256 bytes, and behind those the merges, the most frequent first. */
export const padding = 0;
export const startOfText = 1;
export const endOfText = 2;
const firstByte = 3;
const firstMerge = firstByte + 256;

/**
 * Stands for a token that is not shown. It is the number of the byte 255, which UTF-8 never has, so that no text has it, and networks that learn
 * to fill in and those that do not have embeddings of the same tokens.
 */
export const maskOfText = firstByte + 255;

/** Tokens at most; texts whose pairs of tokens are soon all rare have fewer. */
export const mostTokens = 8192;
/** A pair has to be there so often to become a token: of what is rarer nothing can be learnt. */
const leastPairs = 2;

/**
 * Words, as in CLIP: letters with their marks, single digits, runs of other signs, and English contractions. Texts are in lower case, and
 * blanks between words are one blank.
 */
const words = /'(?:s|t|re|ve|m|ll|d)(?!\p{L})|[\p{L}\p{M}]+|\p{N}|[^\s\p{L}\p{M}\p{N}]+/gu;
const wordsOf = (text: string): readonly string[] => text.normalize('NFC').toLowerCase().match(words) ?? [];

/** A word with the blank before it, byte by byte. */
const bytesOf = (word: string): number[] => Array.from(Buffer.from(` ${word}`), (byte) => firstByte + byte);

/** Whether numbers are merges: pairs of bytes and of merges before them, none of which makes more tokens than there may be. */
export const areMerges = (merges: readonly number[]): boolean =>
  merges.length % 2 === 0 &&
  firstMerge + merges.length / 2 < 2 ** 16 &&
  merges.every((token, i) => token >= firstByte && token < firstMerge + Math.floor(i / 2));

/** A text in a row of so many numbers. */
export interface TokenRow {
  /** `startOfText`, its tokens, `endOfText`, and `padding` up to the length. */
  readonly ids: Uint32Array;
  /** Numbers before the padding. */
  readonly count: number;
}

/**
 * Turns text into tokens and back. Any text has tokens: a word that no merge knows is spelt in its bytes, or in parts that are known.
 * Two tokens a, b of a word become the one of number 259 + i where (a, b) is merge i, the lowest i first.
 */
export class Tokenizer {
  private readonly ranks = new Map<number, number>();
  private readonly known = new Map<string, readonly number[]>();

  /** @param merges pairs of tokens, one behind the other: what `train` found, as it is kept in files. Error: not `areMerges` */
  constructor(readonly merges: readonly number[] = []) {
    if (!areMerges(merges)) throw new Error('tokenizer: merges must be pairs of bytes and of merges before them');
    for (let i = 0; i < merges.length / 2; i++) this.ranks.set(pairOf(merges[2 * i], merges[2 * i + 1]), i);
  }

  /**
   * Learns merges from texts: again and again the most frequent pair of tokens within words becomes a token, of equally frequent ones
   * that of lower numbers, until there are `size` tokens or no pair is there twice.
   */
  static train(texts: Iterable<string>, size = mostTokens): Tokenizer {
    const counts = new Map<string, number>();
    for (const text of texts) for (const word of wordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
    const pairs = new Pairs(Array.from(counts, ([word, times]) => ({ tokens: bytesOf(word), times })));
    const merges: number[] = [];
    for (let next = firstMerge; next < size; next++) {
      const found = pairs.mostFrequent();
      if (found === undefined) break;
      merges.push(...partsOf(found));
      pairs.merge(found, next);
    }
    return new Tokenizer(merges);
  }

  /** How many numbers a token may be: rows of an embedding. */
  get size(): number {
    return firstMerge + this.merges.length / 2;
  }

  /** The tokens of a text, without start and end. */
  encode(text: string): number[] {
    return wordsOf(text).flatMap((word) => {
      let tokens = this.known.get(word);
      if (!tokens) this.known.set(word, (tokens = this.merged(bytesOf(word))));
      return tokens;
    });
  }

  /** A text as a row of `length` numbers, 3 or more. What is too long loses its last tokens. */
  row(text: string, length: number): TokenRow {
    const tokens = [startOfText, ...this.encode(text).slice(0, length - 2), endOfText];
    const ids = new Uint32Array(length).fill(padding);
    ids.set(tokens);
    return { ids, count: tokens.length };
  }

  /** The text of tokens, in lower case, with a blank before each word and without start, end, masks and padding. */
  decode(tokens: Iterable<number>): string {
    const bytes: number[] = [];
    const spell = (token: number): void => {
      if (token < firstByte || token === maskOfText) return;
      if (token < firstMerge) bytes.push(token - firstByte);
      else for (const part of this.merges.slice(2 * (token - firstMerge), 2 * (token - firstMerge) + 2)) spell(part);
    };
    for (const token of tokens) spell(token);
    return Buffer.from(bytes).toString('utf8').trim();
  }

  private merged(bytes: readonly number[]): readonly number[] {
    let tokens = bytes;
    for (;;) {
      let best = Number.POSITIVE_INFINITY;
      for (let i = 1; i < tokens.length; i++)
        best = Math.min(best, this.ranks.get(pairOf(tokens[i - 1], tokens[i])) ?? best);
      if (best === Number.POSITIVE_INFINITY) return tokens;
      tokens = joined(tokens, pairOf(this.merges[2 * best], this.merges[2 * best + 1]), firstMerge + best);
    }
  }
}

/** A pair of tokens as one number; there are fewer than 2¹⁶ tokens. */
const pairOf = (a: number, b: number): number => a * 2 ** 16 + b;
const partsOf = (pair: number): [number, number] => [Math.floor(pair / 2 ** 16), pair % 2 ** 16];

/** Tokens with a pair made one, wherever it is. */
function joined(tokens: readonly number[], pair: number, token: number): number[] {
  const result: number[] = [];
  for (let i = 0; i < tokens.length; i++) {
    if (i + 1 < tokens.length && pairOf(tokens[i], tokens[i + 1]) === pair) {
      result.push(token);
      i++;
    } else result.push(tokens[i]);
  }
  return result;
}

/** A word of the texts, and how often it is there. */
interface Word {
  tokens: number[];
  readonly times: number;
}

/** How often each pair of tokens is there, kept up as pairs become tokens. */
class Pairs {
  private readonly counts = new Map<number, number>();
  private readonly places = new Map<number, Set<Word>>();

  constructor(words: readonly Word[]) {
    for (const word of words) this.count(word, 1);
  }

  /** The pair that is there most often; undefined where none is there twice. */
  mostFrequent(): number | undefined {
    let [best, most] = [-1, leastPairs - 1];
    for (const [pair, times] of this.counts) {
      if (times < most || (times === most && (best < 0 || pair > best))) continue;
      [best, most] = [pair, times];
    }
    return best < 0 ? undefined : best;
  }

  merge(pair: number, token: number): void {
    for (const word of [...this.places.get(pair)!]) {
      this.count(word, -1);
      word.tokens = joined(word.tokens, pair, token);
      this.count(word, 1);
    }
  }

  /** Counts the pairs of a word, or takes them back. */
  private count(word: Word, sign: 1 | -1): void {
    const { tokens, times } = word;
    for (let i = 1; i < tokens.length; i++) {
      const pair = pairOf(tokens[i - 1], tokens[i]);
      const left = (this.counts.get(pair) ?? 0) + sign * times;
      if (left > 0) this.counts.set(pair, left);
      else this.counts.delete(pair);
      const places = this.places.get(pair) ?? new Set();
      this.places.set(pair, places);
      if (sign > 0) places.add(word);
      else places.delete(word);
    }
  }
}

/** Texts in rows: captions of images, or rows of a set of texts. */
export type TextsInRows = readonly (readonly string[])[];

const tokenizers = new WeakMap<TextsInRows, Tokenizer>();

/** The tokenizer that is learnt from texts, once for each set of them. */
export function tokenizerOf(texts: TextsInRows): Tokenizer {
  let tokenizer = tokenizers.get(texts);
  if (!tokenizer) tokenizers.set(texts, (tokenizer = Tokenizer.train(texts.flat())));
  return tokenizer;
}
