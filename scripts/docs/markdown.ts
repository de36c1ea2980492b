/** Markdown that is written by programs. */

/** Text that stands in a cell of a table as it is: nothing of it is taken for markup but code between backticks. */
export const cell = (text: string): string =>
  text
    .split(/(`[^`]*`)/)
    .map((part, i) => (i % 2 === 1 ? part : part.replace(/[\\*_[\]#]/g, '\\$&').replaceAll('<', '&lt;')))
    .join('')
    .replaceAll('|', '\\|');

/** A table; cells are Markdown. */
export const table = (header: readonly string[], rows: readonly (readonly string[])[]): string =>
  [header, header.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
