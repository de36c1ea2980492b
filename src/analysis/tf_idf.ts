/** Texts compared by the words that they share: what networks are to be compared with. */

const wordsOf = (text: string): readonly string[] =>
  text
    .normalize('NFC')
    .toLowerCase()
    .match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];

/**
 * Cosines of the bags of words of pairs of texts, each word weighted tf · idf: how often it is in the text, times
 * idf = log((1 + n) / (1 + n_w)) + 1, n_w of the n texts having it (scikit-learn's). 0 where a text has no words.
 */
export function tfIdfCosines(pairs: readonly (readonly [string, string])[]): Float64Array {
  const bags = pairs.flat().map(bagOf);
  const having = new Map<string, number>();
  for (const bag of bags) for (const word of bag.keys()) having.set(word, (having.get(word) ?? 0) + 1);
  const weight = (word: string) => Math.log((1 + bags.length) / (1 + having.get(word)!)) + 1;
  const product = (a: Bag, b: Bag) => {
    let sum = 0;
    for (const [word, times] of a) sum += times * (b.get(word) ?? 0) * weight(word) ** 2;
    return sum;
  };
  return Float64Array.from(pairs, (_, i) => {
    const [a, b] = [bags[2 * i], bags[2 * i + 1]];
    const lengths = Math.sqrt(product(a, a) * product(b, b));
    return lengths > 0 ? product(a, b) / lengths : 0;
  });
}

type Bag = ReadonlyMap<string, number>;

function bagOf(text: string): Bag {
  const bag = new Map<string, number>();
  for (const word of wordsOf(text)) bag.set(word, (bag.get(word) ?? 0) + 1);
  return bag;
}
