/** Pairs of texts with what people say of how similar they are, such as those of the STS benchmark. */
import { z } from 'zod';
import { UserError } from '../errors.ts';
import { checked } from '../io/checked.ts';
import { isTable, readTable } from './table.ts';

/** Names that the two columns of texts have. */
const columnNames = [
  ['text1', 'text2'],
  ['sentence1', 'sentence2'],
] as const;

/** What such a table is, for people. */
export const SCORED_PAIRS =
  'a table (.csv, .tsv, .jsonl) of text1, text2 and score; or of sentence1, sentence2 and score';
const remedy = `give ${SCORED_PAIRS}`;

export interface ScoredPairs {
  readonly pairs: readonly (readonly [string, string])[];
  /** Of each pair, a higher one for more similar texts, on any scale. */
  readonly scores: readonly number[];
}

const score = z.union([
  z.number(),
  z
    .string()
    .regex(/^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i, 'a number')
    .transform(Number),
]);

/**
 * Reads a table of pairs; other columns are passed over.
 * @throws UserError it cannot be read, a row is damaged (says in which line), there are fewer than four, or all have one score
 */
export function readScoredPairs(path: string): ScoredPairs {
  if (!isTable(path)) throw new UserError(`${path}: no table; ${remedy}`);
  const pairs: [string, string][] = [];
  const scores: number[] = [];
  for (const { source, record } of readTable(path, remedy)) {
    const there = typeof record === 'object' && record !== null ? record : {};
    const [first, second] = columnNames.find(([name]) => name in there) ?? columnNames[0];
    const row = checked(z.object({ [first]: z.string(), [second]: z.string(), score }), record, { source, remedy });
    const pair: [string, string] = [row[first] as string, row[second] as string];
    const empty = [first, second].find((_, i) => pair[i].trim() === '');
    if (empty !== undefined) throw new UserError(`${source}: column ${empty} is empty; give a text, or remove the row`);
    pairs.push(pair);
    scores.push(row['score'] as number);
  }
  if (pairs.length < 4) throw new UserError(`${path}: ${pairs.length} pairs; give four or more: ${SCORED_PAIRS}`);
  if (scores.every((one) => one === scores[0]))
    throw new UserError(`${path}: all pairs have the score ${scores[0]}, with which nothing can go together`);
  return { pairs, scores };
}
