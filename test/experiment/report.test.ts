/** The report says what the results say: HTML and Markdown are read back and compared with the numbers. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Statistic } from '../../src/analysis/probe.ts';
import { modelNames } from '../../src/experiment/experiment_results.ts';
import { modelTitles } from '../../src/experiment/figures.ts';
import { writeDocument } from '../../src/experiment/report.ts';
import { reportDocument } from '../../src/experiment/report_document.ts';
import { published } from '../../src/experiment/report_published.ts';
import { augmentationInWords, points, similarityInWords } from '../../src/experiment/report_text.ts';
import { scratchFolder } from '../cli/run.ts';
import { fabricated, pictures } from './fixture.ts';

type Tables = string[][][];

/** Tables of a Markdown file: rows of cells, the head first. */
function markdownTables(text: string): Tables {
  const groups = text.split(/\n\n/).filter((part) => part.startsWith('| '));
  return groups.map((part) =>
    part
      .split('\n')
      .filter((line) => line.startsWith('| ') && !/^\| -/.test(line))
      .map((line) => line.slice(2, -2).split(' | ')),
  );
}

const unescaped = (text: string) =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');

function htmlTables(text: string): Tables {
  return [...text.matchAll(/<table>([\s\S]*?)<\/table>/g)].map(([, table]) =>
    [...table.matchAll(/<tr>(.*?)<\/tr>/g)].map(([, row]) =>
      [...row.matchAll(/<t[hd]>(.*?)<\/t[hd]>/g)].map(([, cell]) => unescaped(cell)),
    ),
  );
}

const plain = (cell: string): number => Number(cell.replace('−', '-'));

/** The number of a cell, or its mean and its deviation. */
const numbers = (cell: string): number[] => cell.split(' (')[0].split(' ± ').map(plain);

function expectStatistic(cell: string, { mean, deviation }: Statistic, digits: number, scale = 1): void {
  const values = deviation === null ? [mean] : [mean, deviation];
  expect(numbers(cell).length, cell).toBe(values.length);
  numbers(cell).forEach((value, i) => expect(value, cell).toBeCloseTo(scale * values[i], digits - 0.31));
}

const out = scratchFolder();
const results = fabricated();
writeDocument(await reportDocument(results, pictures), out);
const [html, markdown] = ['report.html', 'report.md'].map((name) => readFileSync(join(out, name), 'utf8'));

describe.each([
  ['report.md', markdownTables(markdown)],
  ['report.html', htmlTables(html)],
] as const)('%s', (_name, tables) => {
  const find = (head: string) => tables.find(([first]) => first.join().includes(head))!;

  it('has the numbers of the results, and the published ones beside them', () => {
    const rows = find('test accuracy / %').slice(1);
    for (const row of results.table) {
      const at = rows.findIndex(([name]) => name === modelTitles[row.model]);
      const [, trainLoss, trainAccuracy, testLoss, testAccuracy, loss, accuracy, best] = rows[at];
      expectStatistic(trainLoss, row.trainLoss, 4);
      expectStatistic(trainAccuracy, row.trainAccuracy, 2, 100);
      expectStatistic(testLoss, row.testLoss, 4);
      expectStatistic(testAccuracy, row.testAccuracy, 2, 100);
      expectStatistic(best, row.bestTestAccuracy, 2, 100);
      expect(best).toContain(`(${row.bestEpochs.join(', ')})`);
      if (row.model !== 'baseline') {
        expectStatistic(loss, row.testLossDifference, 4);
        expectStatistic(accuracy, row.testAccuracyDifference, 2, 100);
      }
      const theirs = published[row.model];
      if (!theirs) continue;
      const { trainLoss: a, trainAccuracy: b, testLoss: c, testAccuracy: d } = theirs;
      expect(rows[at + 1].slice(1, 5).map(Number)).toEqual(
        [a, b * 100, c, d * 100].map((value) => Number(value.toFixed(4))),
      );
    }
    expect(rows.length).toBe(7);
  });

  it('has both linear probes, and says what pre-training is worth by them', () => {
    const rows = find('linear probe of').slice(1);
    const { probePretrained, probeRandom } = results.findings;
    [probePretrained, probeRandom].forEach((accuracy, i) => expectStatistic(rows[i][5], accuracy, 2, 100));
    expect(rows.map(([, lambda]) => lambda)).toEqual(['0.1', '0.1']);
  });

  it('has every setting of both kinds of training', () => {
    const rows = new Map(find('setting').map(([name, ...values]) => [name, values]));
    const { pretrain, supervised } = results.config;
    for (const [name, value] of Object.entries(pretrain))
      if (name !== 'seed') expect(rows.get(name)?.[0]).toBe(`${value}`);
    for (const [name, value] of Object.entries(supervised))
      if (name !== 'seed') expect(rows.get(name)?.[1]).toBe(`${value}`);
  });

  it('works the loss out with the numbers of the results', () => {
    const { cosines, probabilities, losses } = results.lossExample!;
    find('its positive')
      .slice(1)
      .forEach(([, , cosine, logit, probability, loss], i) => {
        const k = (i + 2) % 4;
        expect(plain(cosine)).toBeCloseTo(cosines[i][k], 5);
        expect(plain(logit)).toBeCloseTo(cosines[i][k] / 0.5, 5);
        expect(Number(probability)).toBeCloseTo(probabilities[i][k], 5);
        expect(Number(loss)).toBeCloseTo(losses[i], 5);
      });
  });

  it('has the means of similarities, and throughput and time of every stage', () => {
    const stages = results.pretraining[0].similarity;
    const similarity = find('positives').slice(1);
    expect(similarity.map((row) => row.slice(1).map(plain))).toEqual(
      stages.map(({ positives, negatives }) => [positives, negatives].map((value) => Number(value.toFixed(3)))),
    );
    const times = find('images / s').slice(1);
    expect(times.length).toBe(2 + 2 * modelNames.length);
    expect(times[0].slice(1)).toEqual(['2', '8', '', '41.0', '3.5 s', '4.8 s']);
  });
});

describe('images that nobody published numbers for', async () => {
  const own = join(out, 'own');
  mkdirSync(own);
  const results = fabricated([1], false);
  writeDocument(await reportDocument(results, pictures), own);
  const files = ['report.html', 'report.md', 'figures/comparison.svg'];

  it('have no published numbers and no verdict on a published order anywhere', () => {
    for (const file of files) expect(readFileSync(join(own, file), 'utf8'), file).not.toMatch(/publish/i);
    expect(JSON.stringify(results)).not.toMatch(/publish/i);
    expect(readFileSync(join(own, 'report.md'), 'utf8')).toContain('Best on the test images is ');
  });

  it('STL-10 has them', () => {
    for (const [file, text] of [
      ['report.md', 'The published order'],
      ['report.md', '– published'],
      ['figures/comparison.svg', 'published (STL-10)'],
    ])
      expect(readFileSync(join(out, file), 'utf8')).toContain(text);
  });
});

describe('captions', () => {
  it('say of similarities what the numbers say', () => {
    const stages = (positives: number, negatives: number) => [
      { step: 0, positives: 0.99, negatives: 0.98, similarity: [] },
      { step: 7, positives, negatives, similarity: [] },
    ];
    expect(similarityInWords(stages(1, 1))).toBe(
      'Mean before training: 0.990 for the two views of an image and 0.980 for different images; after step 7: 1.000 for the two views of an image and 1.000 for different images.',
    );
    expect(similarityInWords(stages(1, 1).slice(0, 1))).toMatch(/^Mean before training: [^;]*images\.$/);
    expect(markdown).toContain(similarityInWords(results.pretraining[0].similarity));
  });

  it('say of the augmentation what the settings say', () => {
    const settings = { ...results.config.pretrain, flip: 0.25, cropMin: 0.1, cropMax: 0.9, blur: 0 };
    expect(augmentationInWords(settings)).toMatch(
      /10 % to 90 % of the area; 25 % of the views are flipped, .* 0 % blurred\.$/,
    );
  });
});

describe('both', () => {
  it.each([
    'those of train are means over its steps, while the weights change',
    `pre-training is worth ${points(results.findings.pretrainedOverRandom)} points`,
    'seed 1: 0123456789ab before, 0123456789ab after; seed 2: ',
    'each model 12 steps (3 epochs).',
    'of 2 runs.',
  ])('say: %s', (text) => {
    for (const report of [html, markdown]) expect(report).toContain(text);
  });
});

describe('the files', () => {
  it('HTML needs nothing from outside, and has every figure', () => {
    for (const [, , address] of html.matchAll(/(src|href)="([^"]*)"/g)) expect(address.slice(0, 5)).toBe('data:');
    expect(html).not.toMatch(/<script|@import|url\(/);
    expect(html).toContain('a folder with &lt;images&gt; &amp; labels');
    const figures = readdirSync(join(out, 'figures')).filter((name) => name.endsWith('.svg'));
    expect(html.match(/<figure/g)?.length).toBe(figures.length);
    for (const [name, title] of [
      ['test-accuracy', 'Test accuracy of the models, mean of 2 runs'],
      ['frozen-loss', 'Loss: frozen encoder, linear head, mean of 2 runs'],
      ['similarity-seed-2', 'Similarity of 8 fixed pairs by step (seed 2)'],
      ['pretraining-accuracy', 'Pre-training: contrastive accuracy, and kNN accuracy'],
    ])
      expect(readFileSync(join(out, 'figures', `${name}.svg`), 'utf8')).toContain(title);
  });

  it('Markdown names figures that are there, as PNG and as SVG', () => {
    const names = [...markdown.matchAll(/\]\((figures\/[^)]*)\)/g)].map(([, name]) => name);
    const files = readdirSync(join(out, 'figures')).map((name) => `figures/${name}`);
    expect(names.sort()).toEqual(files.sort());
    for (const name of [
      'samples',
      'augmentations',
      'pairs',
      'loss-matrices',
      'pretraining-loss',
      'similarity-seed-2',
      'test-accuracy',
      'transfer-accuracy',
    ])
      for (const type of ['png', 'svg']) expect(files).toContain(`figures/${name}.${type}`);
  });
});
