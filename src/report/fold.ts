/** Text broken into lines that fit a terminal. All functions are pure; widths and indents are in columns. */
import stringWidth from 'string-width';

/** Columns that a text takes: two for a letter of Chinese, Japanese or Korean and for an emoji, none for an accent by itself. */
export const columnsOf = (text: string): number => stringWidth(text, { countAnsiEscapeCodes: true });

const letters = new Intl.Segmenter();

/** As much of a text as has room: whole letters, their accents included. */
export function cut(text: string, width: number): string {
  let kept = '';
  for (const { segment } of letters.segment(text)) {
    if (columnsOf(kept + segment) > width) break;
    kept += segment;
  }
  return kept;
}

/** A text with spaces behind or before it. */
export function pad(text: string, width: number, side: 'left' | 'right'): string {
  const spaces = ' '.repeat(Math.max(0, width - columnsOf(text)));
  return side === 'left' ? text + spaces : spaces + text;
}

/** Of a line without a label, how far its continuation lines are indented. */
const hanging = 2;
/** A longer label does not set the indent of the lines that follow. */
const longestLabel = 16;

/**
 * Breaks a line at its spaces. What follows a label (`data       …`) or an indent stays to its right, or goes below it where a word has
 * no room there. Where columns are set apart by two spaces, as in the line of an epoch, it is broken between them first. A
 * word that is too long by itself, as a path may be, is left whole.
 */
export function fold(text: string, width: number): string {
  if (columnsOf(text) <= width) return text;
  const found = /^(?: *\S+(?: \S+)* {2,}| +)/.exec(text)?.[0] ?? '';
  const label = columnsOf(found) <= longestLabel ? found : '';
  const beside = columnsOf(label);
  const rest = text.slice(label.length);
  const hasRoom = (word: string, indent: number) => columnsOf(word) <= width - indent;
  const below = rest.split(' ').some((word) => !hasRoom(word, beside) && hasRoom(word, hanging)) && label !== '';
  const indent = label === '' || below ? hanging : beside;
  const room = width - indent;
  const lines = fill(rest.trimStart().split(/ {2,}/), '  ', room).flatMap((line) =>
    // A value stays with its percent sign.
    columnsOf(line) <= room ? [line] : fill(line.split(/ +(?!%(?: |$))/), ' ', room),
  );
  const head = below && label.trim() !== '' ? [label.trimEnd(), ''] : [below ? ' '.repeat(hanging) : label];
  return head.join(`\n${' '.repeat(hanging)}`) + lines.join(`\n${' '.repeat(indent)}`);
}

/** Words in as few lines as hold them. */
export function fill(words: readonly string[], separator: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const longer = lines.length === 0 ? undefined : lines.at(-1)! + separator + word;
    if (longer !== undefined && columnsOf(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/**
 * A command for the shell, broken in front of its flags by backslashes, so that it can be pasted as it stands.
 * @param words already quoted
 */
export function foldCommand(label: string, words: readonly string[], width: number): string {
  const whole = label + words.join(' ');
  if (columnsOf(whole) <= width) return whole;
  const indent = label.length + (words[0].startsWith('-') ? 0 : hanging);
  const room = width - indent - ' \\'.length;
  const groups: string[] = [];
  for (const word of words) {
    const starts = groups.length === 0 || /^--./.test(word) || columnsOf(`${groups.at(-1)} ${word}`) > room;
    if (starts) groups.push(word);
    else groups[groups.length - 1] += ` ${word}`;
  }
  return label + fill(groups, ' ', room).join(` \\\n${' '.repeat(indent)}`);
}
