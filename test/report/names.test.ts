/** Names of classes and files are whatever a folder holds: figures and reports show them, and stay what they are. */
import { Resvg } from '@resvg/resvg-js';
import { describe, expect, it } from 'vitest';
import { renderHtml } from '../../src/report/html.ts';
import { escapeMarkdown, renderMarkdown } from '../../src/report/markdown.ts';
import { photoSheet } from '../../src/report/photo_sheet.ts';
import { lineChart, scatterChart } from '../../src/report/plot.ts';
import { imageRows } from '../../src/report/plot_images.ts';
import { legalXml } from '../../src/report/xml.ts';

const names = [
  'bell\x07',
  'line\nbreak',
  'esc\x1b[31m',
  'half\ud800',
  'non\ufffe\uffff',
  'c1\x9b',
  '<script>',
  'a|b',
  '*x*',
];
const forbidden = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;
const pixels = new Uint8Array(8 * 8 * 3);
const [x, y] = [{ label: names.join() }, { label: 'y' }];

describe('figures', () => {
  it.each([
    [
      'lines',
      () => lineChart({ title: names.join(), x, y, series: names.map((name) => ({ name, points: [[1, 2]] })) }),
    ],
    ['points', () => scatterChart({ title: 't', x, y, groups: names.map((name) => ({ name, points: [[1, 2]] })) })],
    [
      'rows of pictures',
      () =>
        imageRows(
          't',
          names.map((label) => ({ label, tiles: [{ pixels, caption: names }] })),
        ),
    ],
    ['a contact sheet', () => photoSheet('t', [[{ photo: { pixels, side: 8 }, caption: names }]])],
  ] as const)('%s: the SVG can be parsed', async (_, draw) => {
    const { svg, png } = await draw();
    expect(forbidden.test(svg)).toBe(false);
    expect(() => new Resvg(svg)).not.toThrow();
    expect(png.length).toBeGreaterThan(500);
  });

  it('keep every character that XML allows', () => {
    expect(legalXml('a\tb\r\n\u{1f600} é\ufffd')).toBe('a\tb\r\n\u{1f600} é\ufffd');
    expect(legalXml('a\x00b\x1bc\ud800d\ufffee')).toBe('a\ufffdb\ufffdc\ufffdd\ufffde');
  });
});

describe('reports', () => {
  const report = {
    title: names.join(' '),
    blocks: [
      { kind: 'heading', text: names[0] },
      ...names.map((text) => ({ kind: 'text', text }) as const),
      { kind: 'table', head: ['name', 'n'], rows: names.map((name) => [name, '1']), note: names.join(' ') },
    ],
  } as const;

  it('HTML has names as text', () => {
    const html = renderHtml(report);
    expect(forbidden.test(html)).toBe(false);
    expect(html).not.toContain('<script');
    expect(html).toContain('<p>line\\nbreak</p>');
    expect(html).toContain('<td>esc\\u001b[31m</td>');
  });

  it('Markdown has names as text, a row of a table for each', () => {
    const lines = renderMarkdown(report, 'figures').split('\n');
    expect(lines.filter((line) => line.endsWith(' | 1 |'))).toEqual([
      '| bell\\\\u0007 | 1 |',
      '| line\\\\nbreak | 1 |',
      '| esc\\\\u001b\\[31m | 1 |',
      '| half\\\\ud800 | 1 |',
      '| non\ufffe\uffff | 1 |',
      '| c1\\\\u009b | 1 |',
      '| \\<script> | 1 |',
      '| a\\|b | 1 |',
      '| \\*x\\* | 1 |',
    ]);
  });

  it.each([
    ['_x_ and snake_case', '\\_x\\_ and snake_case'],
    ['a\\|b', 'a\\\\\\|b'],
    ['AT&T &amp; R&D', 'AT&T \\&amp; R&D'],
    ['[a](b) `c` ~d~ $e$', '\\[a\\](b) \\`c\\` \\~d\\~ \\$e\\$'],
    ['# no heading', '\\# no heading'],
    ['1. no list', '1\\. no list'],
    ['- no list', '\\- no list'],
    ['-0.12, 1.5 and −3 > 2', '-0.12, 1.5 and −3 > 2'],
    ['0.5 λ', '0.5 λ'],
  ])('Markdown shows %s', (text, escaped) => expect(escapeMarkdown(text)).toBe(escaped));
});
