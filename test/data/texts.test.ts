/** Texts from lines, tables and folders: what their rows are, what is held out, and what is said of damaged ones. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inventoryDigest } from '../../src/data/inventory.ts';
import { countedRows, openTexts } from '../../src/data/open_texts.ts';
import { tokenizerOf } from '../../src/data/tokenizer.ts';
import { UserError } from '../../src/errors.ts';
import { scratchFolder } from '../cli/run.ts';

const root = scratchFolder();
let folders = 0;
/** A new folder of the given files. */
function folderOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = join(root, String(++folders));
  mkdirSync(folder);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}
const fileOf = (name: string, content: string | Uint8Array): string => join(folderOf({ [name]: content }), name);
const opened = async (name: string, content: string) => (await openTexts(fileOf(name, content))).train;

describe('rows', () => {
  it('of plain text are its lines, but for blank ones', async () => {
    const { train, probe, files, description } = await openTexts(
      fileOf('a.txt', '\ufeffone dog\r\n\n  two cats \n \nthree'),
    );
    expect(train.texts).toEqual([['one dog'], ['two cats'], ['three']]);
    expect([train.count, train.columns, train.labels, probe]).toEqual([3, 1, undefined, undefined]);
    expect(files).toMatchObject([{ file: 'a.txt' }]);
    expect(description).toMatch(/a\.txt: 3 texts to pre-train on; no labels for a probe$/);
  });

  it.each([
    ['a.csv', 'text,positive,negative\n"a, b",c,d\n'],
    ['a.csv', 'id,sent0,sent1,hard_neg\n1,"a, b",c,d\n'],
    ['a.tsv', 'positive\tnegative\ttext\r\nc\td\ta, b\r\n'],
    ['a.JSONL', '\n{"text": "a, b", "positive": "c", "negative": "d", "other": 1}\n'],
  ])('of %s are its columns, whatever their order, under this names or those of SimCSE', async (name, content) => {
    const set = await opened(name, content);
    expect([set.texts, set.columns, countedRows(set)]).toEqual([[['a, b', 'c', 'd']], 3, '1 triplet of texts']);
  });

  it('of two columns are pairs, of one texts', async () => {
    expect(await opened('a.csv', 'text,positive\na,b\nc,d\n')).toMatchObject({
      columns: 2,
      texts: [
        ['a', 'b'],
        ['c', 'd'],
      ],
    });
    expect(await opened('a.jsonl', '{"text": "a"}')).toMatchObject({ columns: 1, texts: [['a']] });
  });

  it('of tabs have quotes as they stand', async () => {
    expect((await opened('a.tsv', 'text\n"so" he said\n')).texts).toEqual([['"so" he said']]);
  });

  it('of a folder are the lines of its plain texts, file after file; other files are left out', async () => {
    const folder = folderOf({ 'b/2.txt': 'third\n', '1.txt': 'first\nsecond\n', 'x.csv': 'text\nno\n', 'y.pdf': '' });
    const { train, files, leftOut, unusedExcludes } = await openTexts(folder, { exclude: ['none*'] });
    expect(train.texts.flat()).toEqual(['first', 'second', 'third']);
    expect(files.map(({ file }) => file)).toEqual(['1.txt', 'b/2.txt']);
    expect(train.skipped).toEqual([
      { file: 'y.pdf', reason: '.pdf files are not supported: convert to plain text (.txt)' },
    ]);
    expect([leftOut, unusedExcludes]).toEqual([[], ['none*']]);
    const { train: fewer } = await openTexts(folder, { exclude: ['b'] });
    expect(fewer.count).toBe(2);
  });
});

describe('labels', () => {
  const rows = ['pets', 'tools', 'pets', 'pets', 'tools', 'pets', 'pets'].map((label, i) => `row ${i},${label}\n`);
  const table = `text,label\n${rows.join('')}`;

  it('are classes by their names; every fifth of a class is held out, and not trained on', async () => {
    const { train, probe } = await openTexts(fileOf('a.csv', table));
    expect(train.classNames).toEqual(['pets', 'tools']);
    expect([...train.labels!]).toEqual([0, 1, 0, 0, 1, 0]);
    expect(probe!.train).toBe(train);
    expect([probe!.test.texts, [...probe!.test.labels!]]).toEqual([[['row 6']], [0]]);
  });

  it('are not looked at where nobody asks: all rows in their order', async () => {
    const { train, probe } = await openTexts(fileOf('a.csv', table), { probe: false });
    expect([train.count, train.labels, probe]).toEqual([7, undefined, undefined]);
  });

  it('may be numbers', async () => {
    const { train } = await openTexts(fileOf('a.jsonl', '{"text": "a", "label": 7}\n{"text": "b", "label": 3}\n'));
    expect([train.classNames, [...train.labels!]]).toEqual([
      ['3', '7'],
      [1, 0],
    ]);
  });
});

it('the tokenizer is learnt from all columns, the digest from all that the file holds', async () => {
  const set = await opened('a.csv', 'text,positive\nzebra,okapi\nzebra,okapi\n');
  const tokenizer = tokenizerOf(set.texts);
  expect(tokenizer.encode('zebra okapi')).toHaveLength(2);
  const [one, same, other] = await Promise.all(
    ['cats', 'cats', 'dogs'].map(async (text) => inventoryDigest((await openTexts(fileOf('a.txt', text))).files)),
  );
  expect(same).toBe(one);
  expect(other).not.toBe(one);
});

describe('what has no texts is refused in one line', () => {
  it.each<[string, string | Uint8Array, string]>([
    ['a.txt', ' \n\n', 'a.txt: has no texts; give plain text (.txt), a text a line, or a table (.csv, .tsv, .jsonl)'],
    ['a.txt', Uint8Array.of(0x61, 0xff), 'a.txt: not text in UTF-8; convert it'],
    ['a.csv', 'text\n', 'a.csv: has no texts'],
    ['a.csv', 'words\nx\n', 'a.csv: line 2: text'],
    ['a.csv', 'text,negative\nx,y\n', 'a.csv: line 2: positive'],
    ['a.csv', 'text,positive\nx,y\nz, \n', 'a.csv: line 3: column positive is empty; give a text, or remove the row'],
    ['a.csv', 'text,label\nx,y\nz,\n', 'a.csv: line 3: column label is empty; name a class, or remove the row'],
    ['a.csv', 'text,positive\nx\n', 'a.csv: line 2'],
    ['a.jsonl', '{"text": "x"}\n{"text": \n', 'a.jsonl: line 2: not valid JSON'],
    ['a.jsonl', '{"text": "x", "positive": "y"}\n{"text": "z"}\n', 'a.jsonl: line 2: positive'],
    ['a.jsonl', '{"text": 3}\n', 'a.jsonl: line 1: text'],
    ['a.jsonl', '"x"\n', 'a.jsonl: line 1'],
    ['a.pdf', 'x', 'a.pdf: no texts; give a folder of plain texts (.txt), or one file'],
  ])('%s %j', async (name, content, message) => {
    const failed = openTexts(fileOf(name, content));
    await expect(failed).rejects.toThrow(UserError);
    await expect(failed).rejects.toThrow(message);
    await expect(failed).rejects.not.toThrow('\n');
  });

  it('a folder without any, and a path that is not there', async () => {
    await expect(openTexts(folderOf({ 'a.csv': 'text\nx\n' }))).rejects.toThrow(
      'no plain texts (.txt) here or in its subfolders; a table (.csv, .tsv, .jsonl) is given by its own name',
    );
    await expect(openTexts(folderOf({ 'a.txt': '\n' }))).rejects.toThrow('no text in 1 file');
    await expect(openTexts(join(root, 'none'))).rejects.toThrow('none: no such file or folder');
  });
});
