import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { readCaptions } from '../../src/data/captions.ts';
import { openDataset } from '../../src/data/dataset.ts';
import { subset } from '../../src/data/images.ts';
import { ensureSampleSet, sampleCaption } from '../../src/data/sample/sample.ts';
import { tokenizerOf } from '../../src/data/tokenizer.ts';
import { picture, temporaryFolder, writeTree } from './helpers.ts';

const root = temporaryFolder();
let folder: string;
let serial = 0;
beforeEach(() => {
  folder = join(root, String(serial++));
  mkdirSync(folder);
});

/** The captions of a table with this content. */
function read(content: string | Uint8Array, name = 'captions.csv') {
  const file = join(folder, name);
  writeFileSync(file, content);
  return Object.fromEntries(readCaptions(file));
}

describe('a table', () => {
  it('of comma-separated values may have a mark of byte order, other columns, quotes and several rows of a file', () => {
    const text =
      '\ufeffid,text,file\n1,"a cat, asleep",a/1.png\n2,"says ""no"",\nthen yes",./b.png\r\n\n3,another,a\\1.png\n';
    expect(read(text)).toEqual({ 'a/1.png': ['a cat, asleep', 'another'], 'b.png': ['says "no",\nthen yes'] });
  });

  it('may be of JSON lines', () => {
    const lines = '{"file":"a.png","text":"one"}\n\n{"file":"a.png","text":"two","more":1}\n';
    expect(read(lines, 'captions.jsonl')).toEqual({ 'a.png': ['one', 'two'] });
  });

  it.each([
    ['file,text\na.png,x\nb.png\n', 'captions.csv', /captions\.csv: line 3: .*; give a table of columns file and text/],
    ['file,text\na.png,"x\n', 'captions.csv', /captions\.csv: line \d: .*quote/i],
    ['name,text\na.png,x\n', 'captions.csv', /captions\.csv: line 2: file is missing; give a table/],
    ['file,text\na.png,\n', 'captions.csv', /captions\.csv: line 2: the text is empty/],
    ['file,text\n', 'captions.csv', /captions\.csv: has no captions/],
    ['{"file":"a.png","text":"x"}\n{"file":\n', 'captions.jsonl', /captions\.jsonl: line 2: not valid JSON/],
    ['{"file":"a.png","text":7}\n', 'captions.jsonl', /captions\.jsonl: line 1: text must be text, not 7/],
    [Uint8Array.of(0x66, 0xff, 0xfe), 'captions.csv', /captions\.csv: not text in UTF-8/],
  ])('%j is refused in one line', (content, name, message) => {
    let told = '';
    try {
      read(content, name);
    } catch (error) {
      told = (error as Error).message;
    }
    expect(told).toMatch(message);
    expect(told.split('\n')).toHaveLength(1);
  });

  it('that is not there is told', () => {
    expect(() => readCaptions(join(folder, 'none.csv'))).toThrow(/none\.csv: no such file/);
  });
});

describe('photos with captions', () => {
  const names = ['train/x/1.png', 'train/x/2.png', 'train/y/3.png', 'unlabeled/4.png'];
  const open = (options: { captions?: string | true; exclude?: string[] } = {}) =>
    openDataset(folder, { split: 'train', size: 8, captions: true, ...options });

  beforeEach(async () => {
    const pixels = await picture(8, 8, (x, y) => [x, y, 9])
      .png()
      .toBuffer();
    writeTree(folder, Object.fromEntries(names.map((name) => [name, pixels])));
  });
  const rows = (files: readonly string[]) => `file,text\n${files.map((file) => `${file},of ${file}\n`).join('')}`;
  const write = (text: string, name = 'captions.csv') => writeTree(folder, { [name]: text });

  it('have those of their files, whatever else the table has', async () => {
    write(rows([...names].reverse()));
    const { train, files, description } = await open();
    expect(train.captions).toEqual(names.slice(0, 3).map((name) => [`of ${name}`]));
    expect(files.at(-1)).toMatchObject({ file: 'captions.csv', sample: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(description).toMatch(/; 3 captions of .*captions\.csv$/);
    expect(subset(train, Uint32Array.of(2, 0)).captions).toEqual([['of train/y/3.png'], ['of train/x/1.png']]);
    expect(tokenizerOf(train.captions!)).toBe(tokenizerOf(train.captions!));
  });

  it('may have them in a table elsewhere', async () => {
    const other = join(root, 'elsewhere.jsonl');
    writeFileSync(other, names.map((file) => `${JSON.stringify({ file, text: 'so' })}\n`).join(''));
    expect((await open({ captions: other })).train.captions).toEqual([['so'], ['so'], ['so']]);
  });

  it('are without where nobody asks', async () => {
    write(rows(names));
    expect((await openDataset(folder, { split: 'train', size: 8 })).train.captions).toBeUndefined();
  });

  it('of which some have none are refused, unless these are left out', async () => {
    write(rows(names.slice(0, 1)));
    await expect(open()).rejects.toThrow('no caption for 2 of 3 images, the first is train/x/2.png');
    const left = await open({ exclude: ['train/x/2.png', 'train/y'] });
    expect(left.train.captions).toEqual([['of train/x/1.png']]);
  });

  it('are refused with a table of files that are not there', async () => {
    write(rows([...names, 'train/x/9.png', 'z.png']));
    await expect(open()).rejects.toThrow(/names 2 images that are not in .*: the first is train\/x\/9\.png/);
    write(rows([...names, 'z.png']));
    await expect(open()).rejects.toThrow(/names an image that is not in .*: z\.png; give paths relative/);
  });

  it('are refused without a table', async () => {
    await expect(open()).rejects.toThrow(/has no captions \(looked for captions\.csv and captions\.jsonl\)/);
  });
});

describe('the sample set', () => {
  it('has captions of class, colour, size and place; a folder of before there were some gets them', async () => {
    const counts = { train: 10, test: 10, unlabeled: 20 };
    ensureSampleSet(folder, counts);
    const { train } = await openDataset(folder, { split: 'train+unlabeled', size: 16, captions: true });
    expect(train.captions).toHaveLength(30);
    expect(train.captions![4]).toEqual([sampleCaption('train', 4)]);
    expect(train.captions![10]).toEqual([sampleCaption('unlabeled', 0)]);
    for (const [text] of train.captions!)
      expect(text).toMatch(/^a (small|large) (dark )?\w+ [a-z ]+ (on the left|on the right|in the middle)$/);
    expect(sampleCaption('train', 4)).toMatch(/ star /);
    train.close?.();
    const before = readCaptions(join(folder, 'captions.csv'));
    rmSync(join(folder, 'captions.csv'));
    expect(ensureSampleSet(folder, counts).drawn).toBe(false);
    expect(readCaptions(join(folder, 'captions.csv'))).toEqual(before);
  });
});
