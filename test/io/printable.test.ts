import fc from 'fast-check';
import { expect, it } from 'vitest';
import { quote } from '../../src/io/file_errors.ts';
import { nameList, printable, quoted } from '../../src/io/printable.ts';

const hostile = [
  'a\n999.jpg',
  'b\r.jpg',
  'c\x1b[2J.jpg',
  'd\x7f\x85\x9b.jpg',
  'e\u2028\u2029.jpg',
  'f\u202egpj.jpg',
  'g\ud800.jpg',
];

it('what does not print is shown by its escape', () => {
  expect(hostile.map((name) => printable(name))).toEqual([
    'a\\n999.jpg',
    'b\\r.jpg',
    'c\\u001b[2J.jpg',
    'd\\u007f\\u0085\\u009b.jpg',
    'e\\u2028\\u2029.jpg',
    'f\\u202egpj.jpg',
    'g\\ud800.jpg',
  ]);
  const harmless = '"é" 日本 👩‍👩‍👧 ä \\n שלום\u200f';
  expect(printable(harmless)).toBe(harmless);
});

it('quoted text is JSON of what it was', () => {
  for (const name of hostile) {
    expect(JSON.parse(quoted(name))).toBe(name);
    expect(printable(quote(name))).toBe(quote(name));
  }
});

it('a list of names has a line for each, and gives each back', () => {
  expect(nameList(['plain.jpg', 'a b.jpg', '"odd".jpg', 'it"s.jpg', 'a\n999.jpg', 'tab\t.jpg'])).toBe(
    'plain.jpg\na b.jpg\n"\\"odd\\".jpg"\nit"s.jpg\n"a\\n999.jpg"\n"tab\\t.jpg"\n',
  );
  const name = fc.oneof(fc.string({ unit: 'binary', minLength: 1 }), fc.constantFrom(...hostile, '"', '"a"'));
  fc.assert(
    fc.property(fc.array(name), (names) => {
      // As Python's splitlines and others break lines: at more than line feeds.
      const lines = nameList(names).split(/\r\n|[\p{Cc}\u2028\u2029]/u);
      expect(lines.pop()).toBe('');
      expect(lines.map((line) => (line.startsWith('"') ? JSON.parse(line) : line))).toEqual(names);
    }),
  );
});
