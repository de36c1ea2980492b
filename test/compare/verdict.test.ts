/** What a report says of rows beside encoders without training. */
import { expect, it } from 'vitest';
import { labelledHead, labelledRows, unfinished, verdict } from '../../src/compare/report_text.ts';
import { gainOf, type Results, type RowResult } from '../../src/compare/results.ts';

const row = (label: string, accuracies: readonly number[], startsFrom?: string): RowResult =>
  ({
    label,
    untrained: startsFrom === undefined,
    ...(startsFrom !== undefined && { startsFrom }),
    runs: accuracies.map((accuracy, i) => ({ seed: i + 1, folder: label, measures: { linear: { accuracy } } })),
  }) as unknown as RowResult;

const resultsOf = (...rows: readonly RowResult[]): Results =>
  ({
    config: { rows: [], seeds: rows[0].runs.map(({ seed }) => seed) },
    labelled: { train: 100, test: 400, few: 0, balanced: true },
    rows,
  }) as unknown as Results;

const kinds = [row('untrained encoder (colours)', [0.2]), row('untrained encoder (dcgan)', [0.42])];

it('each training is compared with the encoder that it starts from, not with the best of them', () => {
  const trained = [row('simclr', [0.3], kinds[0].label), row('gan', [0.44], kinds[1].label)];
  const results = resultsOf(...kinds, ...trained);
  expect(verdict(results)[1]).toMatch(/^Each is compared .*: all are better\.$/);
  const worse = resultsOf(...kinds, row('gan', [0.41], kinds[1].label), trained[0]);
  expect(verdict(worse)[1]).toMatch(/no better .* can use: gan\.$/);
  expect(labelledHead(results).at(-1)).toBe('probe above its untrained encoder’s');
  expect(labelledRows(results).map((cells) => cells.at(-1))).toEqual(['–', '–', '+10.00', '+2.00']);
  expect(labelledRows(worse).map((cells) => cells.at(-1))).toEqual(['–', '–', '−1.00', '+10.00']);
});

it('with one kind of encoder its accuracy is said, and there is no further column', () => {
  const results = resultsOf(row('untrained encoder', [0.25]), row('simclr', [0.3], 'untrained encoder'));
  expect(verdict(results)[1]).toBe('An untrained encoder reaches 25.00 %: this one is better.');
  expect(labelledRows(results)[1]).toHaveLength(labelledHead(results).length);
  expect(labelledHead(results).join()).not.toContain('untrained');
});

it('a gain is the mean over seeds, each against first weights of its own', () => {
  const first = row('untrained encoder', [0.2, 0.3]);
  const trained = row('simclr', [0.3, 0.36], first.label);
  const gain = gainOf({ rows: [first, trained] }, trained)!;
  expect(gain.mean).toBeCloseTo(0.08, 12);
  expect(gain.deviation).toBeCloseTo(Math.hypot(0.02, 0.02), 12);
});

it('a report that is written before the end says so, and one at the end does not', () => {
  const results = resultsOf(row('untrained encoder', [0.2]), row('simclr', [0.3], 'untrained encoder'));
  const config = { ...results.config, rows: [{}, {}, {}] } as unknown as Results['config'];
  expect(unfinished({ ...results, config, remaining: 2 })[0]).toMatch(/: 1 of 3 trainings are done, /);
  expect(unfinished({ ...results, config })).toEqual([]);
});
