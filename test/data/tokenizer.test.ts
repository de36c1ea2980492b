import { describe, expect, it } from 'vitest';
import { areMerges, endOfText, maskOfText, padding, startOfText, Tokenizer } from '../../src/data/tokenizer.ts';

/** The example of Sennrich et al. (2016, algorithm 1). */
const vocabulary = { low: 5, lower: 2, newest: 6, widest: 3 };
const texts = Object.entries(vocabulary).map(([word, times]) => `${word} `.repeat(times));
const byte = (letter: string) => 3 + letter.charCodeAt(0);

describe('merges', () => {
  it('are of the most frequent pairs, of equal ones that of lower numbers', () => {
    const { merges } = Tokenizer.train(texts, 259 + 4);
    // es 9; then (es)t 9; then, of ␣l, lo and ow, each there 7 times, ␣l; then, of (␣l)o and ow, ow.
    const pairs = [byte('e'), byte('s'), 259, byte('t'), byte(' '), byte('l'), byte('o'), byte('w')];
    expect(merges).toEqual(pairs);
  });

  it('end where no pair is there twice, and where there are so many tokens', () => {
    expect(Tokenizer.train(['a bcd']).size).toBe(259);
    expect(Tokenizer.train(texts, 261).size).toBe(261);
    const whole = Tokenizer.train(texts);
    expect(Object.keys(vocabulary).map((word) => whole.encode(word).length)).toEqual([1, 1, 1, 1]);
    expect(whole.merges.length / 2).toBe(whole.size - 259);
  });

  it('depend on texts and not on their order', () => {
    expect(Tokenizer.train([...texts].reverse()).merges).toEqual(Tokenizer.train(texts).merges);
  });

  it('of files have to be of tokens that are there before them', () => {
    expect(areMerges([100, 101, 259, 100])).toBe(true);
    for (const merges of [[100, 259], [100, 101, 2, 100], [100]])
      expect(() => new Tokenizer(merges)).toThrow('merges must be pairs of bytes and of merges before them');
  });
});

describe('tokens', () => {
  const tokenizer = Tokenizer.train([...texts, 'A red circle, on the left.', 'a RED square on the left']);

  it('are those of a tokenizer that was kept in a file', () => {
    const read = new Tokenizer(JSON.parse(JSON.stringify(tokenizer.merges)));
    expect(read.encode('the lowest red')).toEqual(tokenizer.encode('the lowest red'));
  });

  it.each([
    ['  A  Red\tcircle ', 'a red circle'],
    ['Ein Größter, 北京!', 'ein größter , 北京 !'],
    ['it’s 1984; it\'s "so"', 'it ’ s 1 9 8 4 ; it \'s " so "'],
    ['👩‍🚀 e\u0301', '👩‍🚀 é'],
    ['', ''],
  ])('of %j are %j again', (text, decoded) => {
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(decoded);
  });

  it('of a word that no text has are parts and bytes of it', () => {
    const parts = tokenizer.encode('lowz');
    expect(parts).toEqual([...tokenizer.encode('low'), byte('z')]);
  });

  it('of no text are the mask, and tokens have the numbers that they have in checkpoints of older versions', () => {
    const every = String.fromCodePoint(...Array.from({ length: 0x3000 }, (_, i) => i), 0xffff, 0x10ffff, 0xd800);
    expect(new Set(new Tokenizer().encode(every)).has(maskOfText)).toBe(false);
    expect([maskOfText, new Tokenizer().size, byte('a')]).toEqual([258, 259, 100]);
    const [red, circle] = [tokenizer.encode('red'), tokenizer.encode('circle')];
    expect(tokenizer.decode([startOfText, ...red, maskOfText, ...circle, endOfText])).toBe('red circle');
  });

  it('stand in a row with start, end and padding; a long text loses its last ones', () => {
    const tokens = tokenizer.encode('red circle low');
    expect(tokens).toHaveLength(9);
    const { ids, count } = tokenizer.row('red circle low', 12);
    expect([...ids]).toEqual([startOfText, ...tokens, endOfText, padding]);
    expect(count).toBe(11);
    const short = tokenizer.row('red circle low', 5);
    expect([...short.ids]).toEqual([startOfText, ...tokens.slice(0, 3), endOfText]);
    expect(tokenizer.row('', 4)).toEqual({ ids: Uint32Array.of(startOfText, endOfText, 0, 0), count: 2 });
    expect(tokenizer.decode(short.ids)).toBe(tokenizer.decode(tokens.slice(0, 3)));
  });
});
