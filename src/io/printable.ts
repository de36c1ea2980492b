/** Text from outside (names of files and classes, messages of libraries), made fit for a line of a terminal or of a list. */

/** Control characters, breaks of lines, what turns the direction of the text around it, and halves of characters. */
const unprintable = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

const escapeOf = (char: string): string => short[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** One line that shows what it holds: `a<line break>b` becomes `a\nb`, an escape sequence has no effect. */
export const printable = (text: string): string => text.replace(unprintable, escapeOf);

/** A word of bash and zsh that stands for text with such characters: `$'a\nb'`. */
export const dollarQuoted = (text: string): string =>
  `$'${text.replace(/[\\']/g, '\\$&').replace(unprintable, octal)}'`;

const octal = (char: string): string =>
  Array.from(Buffer.from(char), (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');

/** A JSON string of printable characters only. */
export const quoted = (text: string): string => printable(JSON.stringify(text));

/**
 * A list of names, one a line, so that line i is name i: a name is written as it is, or as a JSON string where it has characters that
 * do not print (a line break, say) or starts as a JSON string does.
 */
export function nameList(names: readonly string[]): string {
  const lines = names.map((name) => (name.startsWith('"') || printable(name) !== name ? quoted(name) : name));
  const text = lines.map((line) => `${line}\n`).join('');
  if (text.split('\n').length !== names.length + 1) throw new Error('[names] a name takes more than one line');
  return text;
}
