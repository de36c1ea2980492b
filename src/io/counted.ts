/** The noun behind a number. */
export const plural = (count: number, noun: string, nouns = `${noun}s`): string => (count === 1 ? noun : nouns);

/** `1 step`, `2 steps`. */
export const counted = (count: number, noun: string, nouns?: string): string =>
  `${count} ${plural(count, noun, nouns)}`;
