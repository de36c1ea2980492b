/** Pairs with scores from tables: their columns, and what is said of damaged ones. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readScoredPairs } from '../../src/data/scored_pairs.ts';
import { UserError } from '../../src/errors.ts';
import { scratchFolder } from '../cli/run.ts';

const root = scratchFolder();
function read(name: string, content: string) {
  const path = join(root, name);
  writeFileSync(path, content);
  return readScoredPairs(path);
}

const scores = [0, 1.5, 4, 5];
const columns = (head: string, cell: string): string =>
  [head, ...scores.map((score, i) => ['x', `one ${i}`, `two ${i}`, score].join(cell))].join('\n');

it.each([
  ['a.csv', columns('id,text1,text2,score', ',')],
  ['b.tsv', columns('id\tsentence1\tsentence2\tscore', '\t')],
  ['c.jsonl', scores.map((score, i) => JSON.stringify({ text1: `one ${i}`, text2: `two ${i}`, score })).join('\n')],
])('%s has pairs and scores, whatever other columns', (name, content) => {
  const found = read(name, content);
  expect(found.pairs).toEqual(scores.map((_, i) => [`one ${i}`, `two ${i}`]));
  expect(found.scores).toEqual(scores);
});

describe('refused in one line', () => {
  const head = 'text1,text2,score\n';
  it.each([
    ['a.txt', 'x\n', 'a.txt: no table; give a table (.csv, .tsv, .jsonl) of text1, text2 and score'],
    ['a.csv', `${head}a,b,1\na,b,2\na,b,3\n`, 'a.csv: 3 pairs; give four or more'],
    ['a.csv', `${head}${'a,b,2\n'.repeat(4)}`, 'a.csv: all pairs have the score 2, with which nothing can go together'],
    ['a.csv', `${head}a,b,1\na,b,high\n`, 'a.csv: line 3: score'],
    ['a.csv', `${head}a,b,1\na, ,2\n`, 'a.csv: line 3: column text2 is empty; give a text, or remove the row'],
    ['a.csv', 'text1,score\na,1\n', 'a.csv: line 2: text2'],
    ['a.csv', 'one,two,score\na,b,1\n', 'a.csv: line 2: text1'],
    ['a.jsonl', '{"text1": "a", "text2": "b"}\n', 'a.jsonl: line 1: score'],
    ['a.jsonl', '7\n', 'a.jsonl: line 1'],
  ])('%s %j', (name, content, message) => {
    expect(() => read(name, content)).toThrow(UserError);
    expect(() => read(name, content)).toThrow(message);
    expect(() => read(name, content)).not.toThrow('\n');
  });
});
