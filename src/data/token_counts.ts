/** How often each token is there in texts: what guessing can rely on. */
import { type TextsInRows, tokenizerOf } from './tokenizer.ts';

const counted = new WeakMap<TextsInRows, readonly number[]>();

/** Of each token of `tokenizerOf(texts)`, how often the texts have it; once for each set of them. */
export function tokenCounts(texts: TextsInRows): readonly number[] {
  let counts = counted.get(texts);
  if (!counts) {
    const tokenizer = tokenizerOf(texts);
    const found = new Array<number>(tokenizer.size).fill(0);
    for (const row of texts) for (const text of row) for (const token of tokenizer.encode(text)) found[token]++;
    counted.set(texts, (counts = found));
  }
  return counts;
}

/** The share of the most frequent of things that are there so often, and the entropy of their distribution in nats. */
export function distribution(counts: readonly number[]): { readonly largest: number; readonly entropy: number } {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const shares = counts.filter((count) => count > 0).map((count) => count / total);
  return {
    largest: shares.reduce((most, share) => Math.max(most, share), 0),
    entropy: -shares.reduce((sum, share) => sum + share * Math.log(share), 0),
  };
}
