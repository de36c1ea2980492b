/** Text broken into lines that fit a terminal. All functions are pure; widths and indents are in columns. */

/** Columns that a text takes. */
export const columnsOf = (text: string): number => [...text].length;

/** Of a line without a label, how far its continuation lines are indented. */
const hanging = 2;
/** A longer label does not set the indent of the lines that follow. */
const longestLabel = 16;

/**
 * Breaks a line at its spaces. What follows a label (`data       …`) or an indent stays to its right. Where columns are set apart by
 * two spaces, as in the line of an epoch, it is broken between them first. A word that is too long by itself, as a path may
 * be, is left whole.
 */
export function fold(text: string, width: number): string {
  if (columnsOf(text) <= width) return text;
  const label = /^(?: *\S+(?: \S+)* {2,}| +)/.exec(text)?.[0] ?? '';
  const indent = label.length > 0 && label.length <= longestLabel ? label.length : hanging;
  const parts = text.slice(label.length).split(/ {2,}/);
  const lines = fill(parts, '  ', width - indent).flatMap((line) =>
    // A value stays with its percent sign.
    columnsOf(line) <= width - indent ? [line] : fill(line.split(/ +(?!%(?: |$))/), ' ', width - indent),
  );
  return label + lines.join(`\n${' '.repeat(indent)}`);
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
