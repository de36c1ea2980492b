/** Sentences made of a few words: what they mean is known, and each can be said in several ways. */
import { type Random, random } from '../../src/ssl/rng.ts';

/** Words of which all in a row mean the same. */
const subjects = ['dog|hound', 'cat|kitten', 'child|kid', 'doctor|physician', 'horse|pony', 'teacher|tutor'];
const verbs = [
  'sees|notices',
  'carries|brings',
  'buys|purchases',
  'wants|desires',
  'hides|conceals',
  'finds|discovers',
];
const objects = ['ball|sphere', 'stone|rock', 'hat|cap', 'car|automobile', 'cup|mug', 'book|volume'];
const places = ['garden|yard', 'forest|wood', 'house|home', 'street|road', 'shop|store', 'sea|ocean'];
const parts = [subjects, verbs, objects, places].map((part) => part.map((words) => words.split('|')));

/** Which words of each part. */
export type Meaning = readonly [subject: number, verb: number, object: number, place: number];

export const subjectNames: readonly string[] = subjects.map((words) => words.split('|')[0]);

/** A meaning that is drawn. */
export const drawnMeaning = (draws: Random): Meaning =>
  parts.map((part) => draws.below(part.length)) as unknown as Meaning;

/** One way to say it: words and their order are drawn. */
export function said(meaning: Meaning, draws: Random): string {
  const [subject, verb, object, place] = parts.map((part, i) => part[meaning[i]][draws.below(2)]);
  return draws.below(2) === 0
    ? `the ${subject} ${verb} a ${object} in the ${place}`
    : `in the ${place} the ${subject} ${verb} a ${object}`;
}

/** Another meaning, of which so many parts differ. */
export function changed(meaning: Meaning, differing: number, draws: Random): Meaning {
  const keyed = parts.map((_, part) => ({ part, key: draws.uniform() })).sort((a, b) => a.key - b.key);
  const others = keyed.slice(0, differing).map(({ part }) => part);
  return meaning.map((value, part) =>
    others.includes(part) ? (value + 1 + draws.below(parts[part].length - 1)) % parts[part].length : value,
  ) as unknown as Meaning;
}

/** So many sentences with their meanings. */
export const sentences = (count: number, seed: number): { readonly text: string; readonly meaning: Meaning }[] =>
  Array.from({ length: count }, (_, i) => {
    const draws = random(seed, i);
    const meaning = drawnMeaning(draws);
    return { text: said(meaning, draws), meaning };
  });
