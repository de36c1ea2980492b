import { printable } from '../io/printable.ts';
import type { Block, Document } from './document.ts';

/** Characters that mark text up anywhere; `_` does so at the edge of a word, `&` where an entity follows. */
const marks = /[\\`*[\]<|~$]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|&(?=#?\w+;)/gu;
/** What makes a heading, a quotation, a list or a rule of a paragraph that begins with it. */
const opening = /^(\s*\d*)([#>]|[-+=](?=[\s=-]|$)|(?<=\d)[.)](?=\s|$))/;

/** Text of a report, names of classes and folders included: Markdown shows it as it is. */
export const escapeMarkdown = (text: string): string =>
  printable(text).replace(marks, '\\$&').replace(opening, '$1\\$2');

function block(item: Block, folder: string): string {
  switch (item.kind) {
    case 'heading':
      return `## ${escapeMarkdown(item.text)}`;
    case 'text':
      return escapeMarkdown(item.text);
    case 'table': {
      const row = (cells: readonly string[]) => `| ${cells.map(escapeMarkdown).join(' | ')} |`;
      const rule = `|${item.head.map((_, i) => (i === 0 ? ' --- ' : ' ---: ')).join('|')}|`;
      const note = item.note === undefined ? [] : ['', escapeMarkdown(item.note)];
      return [row(item.head), rule, ...item.rows.map(row), ...note].join('\n');
    }
    case 'figure': {
      const caption = escapeMarkdown(item.caption);
      return `![${caption}](${folder}/${item.name}.png)\n\n*${caption}* ([SVG](${folder}/${item.name}.svg))`;
    }
    default:
      return item satisfies never;
  }
}

/** A report whose figures lie as PNG and SVG in `folder` beside it. */
export const renderMarkdown = ({ title, blocks }: Document, folder: string): string =>
  `${[`# ${escapeMarkdown(title)}`, ...blocks.map((item) => block(item, folder))].join('\n\n')}\n`;
