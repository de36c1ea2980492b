import { columnsOf, fill, fold, pad } from './fold.ts';
import { table } from './tables.ts';

const gap = 2;

/**
 * A table of at most `width` columns, as far as its cells allow: titles and the cells of the first column are broken into lines at
 * their spaces; where that is not enough, the table is cut between columns and its first column repeated. Where not even one column has
 * room beside the first, columns are given up, and every row is folded.
 */
export function fitTable(header: readonly string[], rows: readonly (readonly string[])[], width: number): string {
  const whole = table(header, rows);
  if (longest(whole.split('\n')) <= width) return whole;
  const columns = header.map((title, column): Column => {
    const cells = rows.map((row) => row[column]);
    const heading = folded(title, column === 0 ? Math.floor(width / 2) : longest(cells));
    const texts = cells.map((cell) => (column === 0 ? folded(cell, Math.floor(width / 2)) : [cell]));
    return { title: heading, cells: texts, width: longest([heading, ...texts].flat()), left: column === 0 };
  });
  const parts = sections(columns, width).map(render);
  if (parts.every((part) => longest(part.split('\n')) <= width)) return parts.join('\n\n');
  return [header, ...rows].map((row) => fold(row.join('  '), width)).join('\n');
}

/** Titles and cells as lines of text. */
interface Column {
  readonly title: readonly string[];
  readonly cells: readonly (readonly string[])[];
  readonly width: number;
  /** Whether text stands at the left edge. */
  readonly left: boolean;
}

const longest = (texts: readonly string[]): number => Math.max(0, ...texts.map(columnsOf));

const folded = (text: string, width: number): string[] => fill(text.split(' '), ' ', width);

/** Columns side by side as far as there is room, each time after the first column. */
function sections([first, ...others]: readonly Column[], width: number): Column[][] {
  const found: Column[][] = [[first]];
  for (const column of others) {
    const beside = found.at(-1)!;
    const taken = beside.reduce((sum, one) => sum + one.width + gap, 0);
    if (beside.length > 1 && taken + column.width > width) found.push([first, column]);
    else beside.push(column);
  }
  return found;
}

function render(columns: readonly Column[]): string {
  const row = (cells: readonly (readonly string[])[]): string[] => {
    const height = Math.max(...cells.map((cell) => cell.length));
    return Array.from({ length: height }, (_, i) =>
      columns
        .map(({ width, left }, column) => {
          const text = cells[column][i] ?? '';
          return pad(text, width, left ? 'left' : 'right');
        })
        .join(' '.repeat(gap)),
    );
  };
  return [
    ...row(columns.map(({ title }) => title)),
    ...row(columns.map(({ width }) => ['-'.repeat(width)])),
    ...columns[0].cells.flatMap((_, i) => row(columns.map(({ cells }) => cells[i]))),
  ].join('\n');
}
