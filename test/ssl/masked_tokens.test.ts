/** Tokens that are to be filled in: how many, which, and what stands in their places. */
import { describe, expect, it } from 'vitest';
import { endOfText, maskOfText, padding, startOfText, Tokenizer } from '../../src/data/tokenizer.ts';
import { maskedRow, mostChosen } from '../../src/ssl/masked_tokens.ts';
import { random } from '../../src/ssl/rng.ts';
import { sentences } from '../data/sentences.ts';

const made = sentences(30, 5).map(({ text }) => text);
const tokenizer = Tokenizer.train(made);
const others = [300, 301, 302];
const shares = { maskRatio: 0.15, maskShare: 0.8, randomShare: 0.1 };

describe('the tokens that are to be told', () => {
  const length = 16;
  const rows = Array.from({ length: 4000 }, (_, i) => {
    const row = tokenizer.row(made[i % made.length], length);
    return { row, masked: maskedRow(row, shares, random(1, 2, i), others) };
  });

  it('are a share of each row, all of them different, and no start, end or padding', () => {
    for (const { row, masked } of rows) {
      const { places, tokens } = masked;
      expect(places).toHaveLength(Math.max(1, Math.round(0.15 * (row.count - 2))));
      expect(new Set(places).size).toBe(places.length);
      expect(places.every((place) => place >= 1 && place < row.count - 1)).toBe(true);
      expect(tokens).toEqual(places.map((place) => row.ids[place]));
      expect(tokens.some((token) => [startOfText, endOfText, padding].includes(token))).toBe(false);
    }
  });

  it('are each as often', () => {
    const counts = new Map<number, number>();
    const ofTen = rows.filter(({ row }) => row.count === rows[0].row.count);
    for (const { masked } of ofTen) for (const place of masked.places) counts.set(place, (counts.get(place) ?? 0) + 1);
    const expected = ofTen.length * (rows[0].masked.places.length / (rows[0].row.count - 2));
    expect(counts.size).toBe(rows[0].row.count - 2);
    for (const count of counts.values()) expect(Math.abs(count - expected)).toBeLessThan(5 * Math.sqrt(expected));
  });

  it('are masks in 8 of 10 places, others in 1 and themselves in 1; nothing else is changed', () => {
    const found = { mask: 0, other: 0, same: 0 };
    for (const { row, masked } of rows) {
      masked.ids.forEach((token, place) => {
        const i = masked.places.indexOf(place);
        if (i < 0) expect(token).toBe(row.ids[place]);
        else found[token === maskOfText ? 'mask' : token === masked.tokens[i] ? 'same' : 'other']++;
      });
    }
    const all = found.mask + found.other + found.same;
    // A token that is drawn for another may be the same.
    for (const [name, share] of [
      ['mask', 0.8],
      ['other', 0.1],
      ['same', 0.1],
    ] as const)
      expect(Math.abs(found[name] / all - share), name).toBeLessThan(0.02);
  });

  it('follow from the draws alone, and differ with them', () => {
    const [{ row }] = rows;
    const of = (seed: number) => maskedRow(row, { ...shares, maskRatio: 0.5 }, random(seed), others);
    expect(of(3)).toEqual(of(3));
    expect(new Set(Array.from({ length: 20 }, (_, i) => of(i).places.join())).size).toBeGreaterThan(15);
  });

  it('are none of a text without any, and at most as many as a row has room for', () => {
    const none = maskedRow(tokenizer.row('', 5), shares, random(1), others);
    expect(none).toEqual({ ids: tokenizer.row('', 5).ids, places: [], tokens: [] });
    for (const [length, ratio] of [
      [3, 0.15],
      [16, 0.15],
      [32, 0.5],
    ] as const) {
      const row = tokenizer.row('a dog '.repeat(40), length);
      const { places } = maskedRow(row, { ...shares, maskRatio: ratio }, random(1), others);
      expect(places).toHaveLength(mostChosen(length, { maskRatio: ratio }));
    }
  });
});
