import type { Block, Document } from './document.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|');

function block(item: Block, folder: string): string {
  switch (item.kind) {
    case 'heading':
      return `## ${item.text}`;
    case 'text':
      return item.text;
    case 'table': {
      const row = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
      const rule = `|${item.head.map((_, i) => (i === 0 ? ' --- ' : ' ---: ')).join('|')}|`;
      const note = item.note === undefined ? [] : ['', item.note];
      return [row(item.head), rule, ...item.rows.map(row), ...note].join('\n');
    }
    case 'figure':
      return `![${item.caption.replaceAll(/[[\]]/g, '')}](${folder}/${item.name}.png)\n\n*${item.caption}* ([SVG](${folder}/${item.name}.svg))`;
    default:
      return item satisfies never;
  }
}

/** A report whose figures lie as PNG and SVG in `folder` beside it. */
export const renderMarkdown = ({ title, blocks }: Document, folder: string): string =>
  `${[`# ${title}`, ...blocks.map((item) => block(item, folder))].join('\n\n')}\n`;
