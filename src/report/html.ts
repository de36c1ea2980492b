import type { Block, Document } from './document.ts';
import { dataUri } from './plot_svg.ts';
import { escapeXml, legalXml } from './xml.ts';

const css = `
body { font: 16px/1.55 system-ui, 'DejaVu Sans', Verdana, sans-serif; color: #222; background: #fff; margin: 0 auto; max-width: 62rem; padding: 1.5rem; }
h1 { font-size: 1.7rem; line-height: 1.25; } h2 { font-size: 1.25rem; margin-top: 2.4rem; border-bottom: 1px solid #ccc; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.92rem; }
.scroll { overflow-x: auto; margin: 1rem 0; }
th, td { padding: 0.28rem 0.7rem; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap; }
th { border-bottom: 2px solid #888; } th:first-child, td:first-child { text-align: left; }
figure { margin: 1.6rem 0; } figure img { max-width: 100%; height: auto; }
figcaption, .note { color: #555; font-size: 0.9rem; }
`;

function block(item: Block): string {
  switch (item.kind) {
    case 'heading':
      return `<h2>${escapeXml(item.text)}</h2>`;
    case 'text':
      return `<p>${escapeXml(item.text)}</p>`;
    case 'table': {
      const row = (cells: readonly string[], tag: 'th' | 'td') =>
        `<tr>${cells.map((cell) => `<${tag}>${escapeXml(cell)}</${tag}>`).join('')}</tr>`;
      const body = item.rows.map((cells) => row(cells, 'td')).join('\n');
      const note = item.note === undefined ? '' : `\n<p class="note">${escapeXml(item.note)}</p>`;
      return `<div class="scroll"><table>\n<thead>${row(item.head, 'th')}</thead>\n<tbody>\n${body}\n</tbody>\n</table></div>${note}`;
    }
    case 'figure': {
      const image = dataUri('image/svg+xml', item.chart.svg);
      const caption = escapeXml(item.caption);
      return `<figure id="${item.name}"><img alt="${caption}" src="${image}"><figcaption>${caption}</figcaption></figure>`;
    }
    default:
      return item satisfies never;
  }
}

/** A page that needs no other file. */
export function renderHtml({ title, blocks }: Document): string {
  const page = [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeXml(title)}</title><style>${css}</style></head><body>`,
    `<h1>${escapeXml(title)}</h1>`,
    ...blocks.map(block),
    '</body></html>\n',
  ].join('\n');
  return legalXml(page);
}
