/** Views of texts: how many words are left out or replaced, and that nothing else changes. */
import { describe, expect, it } from 'vitest';
import { random } from '../../src/ssl/rng.ts';
import { augmentText, wordsIn } from '../../src/ssl/text_augmentation.ts';

const words = ['one', 'two', 'three', 'four'];
const text = 'Here, a  well-known dog (big) doesn’t run: 3 times!';
const own = wordsIn([text]);
const changed = (kind: 'deletion' | 'replacement', share: number, image: number, of = text) =>
  augmentText(of, kind, share, random(1, 2, image), words);
const ways = (kind: 'deletion' | 'replacement', share: number, of = text) =>
  Array.from({ length: 2000 }, (_, i) => changed(kind, share, i, of));
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

it('words are letters, marks and digits, each listed once', () => {
  expect(own).toEqual(['Here', 'a', 'well-known', 'dog', 'big', 'doesn’t', 'run', '3', 'times']);
  expect(wordsIn(['a cat', 'the cat', '…'])).toEqual(['a', 'cat', 'the']);
});

describe('deletion', () => {
  it('leaves out a share of the words, whichever, in their order', () => {
    const rest = ways('deletion', 0.3).map((way) => Array.from(way.matchAll(/[\p{L}\p{N}’-]+/gu), ([each]) => each));
    expect(Math.abs(mean(rest.map(({ length }) => length / own.length)) - 0.7)).toBeLessThan(0.015);
    for (const each of own)
      expect(Math.abs(mean(rest.map((way) => Number(way.includes(each)))) - 0.7), each).toBeLessThan(0.05);
    for (const way of rest) expect(own.filter((each) => way.includes(each))).toEqual(way);
  });

  it('leaves signs where they are, and no blanks twice', () => {
    const signs = (of: string) => of.replace(/[^,():!]/g, '');
    for (const way of ways('deletion', 0.5)) {
      expect(signs(way)).toBe(signs(text));
      expect(way).not.toMatch(/^ | $| {3}/);
    }
    const shortened = new Set(ways('deletion', 0.5, 'a b c'));
    expect([...shortened].sort()).toEqual(['a', 'a b', 'a b c', 'a c', 'b', 'b c', 'c']);
  });

  it('leaves one word at least, each of them as often', () => {
    const left = ways('deletion', 1, 'a b c');
    for (const each of ['a', 'b', 'c']) {
      expect(Math.abs(left.filter((way) => way === each).length - 2000 / 3)).toBeLessThan(100);
    }
    expect(left.every((way) => way.length === 1)).toBe(true);
    expect(changed('deletion', 1, 0, 'alone')).toBe('alone');
  });
});

describe('replacement', () => {
  it('replaces a share of the words, by each of the others as often', () => {
    const all = ways('replacement', 0.3).flatMap((way) =>
      Array.from(way.matchAll(/[\p{L}\p{N}’-]+/gu), ([each]) => each),
    );
    expect(all).toHaveLength(2000 * own.length);
    const strange = all.filter((each) => words.includes(each));
    expect(Math.abs(strange.length / all.length - 0.3)).toBeLessThan(0.015);
    for (const each of words)
      expect(Math.abs(strange.filter((one) => one === each).length / strange.length - 0.25), each).toBeLessThan(0.03);
  });

  it('touches nothing between words', () => {
    const between = (of: string) => of.replace(/[\p{L}\p{N}’-]+/gu, '_');
    for (const way of ways('replacement', 1)) expect(between(way)).toBe(between(text));
  });

  it('needs words', () => {
    expect(() => augmentText(text, 'replacement', 0.1, random(1), [])).toThrow('no words to replace others by');
  });
});

it.each(['deletion', 'replacement'] as const)(
  '%s follows from the draws alone, and a share of 0 changes nothing',
  (kind) => {
    expect(ways(kind, 0.3)).toEqual(ways(kind, 0.3));
    expect(new Set(ways(kind, 0.3)).size).toBeGreaterThan(100);
    expect(new Set(ways(kind, 0))).toEqual(new Set([text]));
    for (const empty of ['', '   ', ' …! ']) expect(changed(kind, 1, 0, empty)).toBe(empty);
    expect(() => changed(kind, 1.5, 0)).toThrow('not from 0 to 1');
  },
);

it('none draws nothing', () => {
  const draws = random(5);
  expect(augmentText(text, 'none', 1, draws, [])).toBe(text);
  expect(draws.uniform()).toBe(random(5).uniform());
});
