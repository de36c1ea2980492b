/** What pages of docs/tasks show: files, commands, and what these print. */
import { readFileSync } from 'node:fs';

/** Something to do on a page, in its order. */
export type Step =
  /** A block that begins with a file's name, as a comment. */
  | { readonly kind: 'file'; readonly name: string; readonly text: string }
  /** A block `sh`, and the block `text` directly below it, if there is one. */
  | { readonly kind: 'commands'; readonly commands: string; readonly printed?: string };

/** @param page a file of Markdown */
export function stepsOf(page: string): Step[] {
  const blocks = [...readFileSync(page, 'utf8').matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)];
  const steps: Step[] = [];
  let end = 0;
  let commands: { readonly commands: string } | undefined;
  for (const block of blocks) {
    const [, language, text] = block;
    const name = /^(?:\/\/|#) ([\w.-]+\.\w+)\n/.exec(text)?.[1];
    const follows = block.input.slice(end, block.index).trim() === '';
    if (name !== undefined) steps.push({ kind: 'file', name, text });
    else if (language === 'sh') steps.push({ kind: 'commands', ...(commands = { commands: text }) });
    else if (language === 'text' && commands && follows)
      steps[steps.length - 1] = { kind: 'commands', ...commands, printed: text };
    end = block.index + block[0].length;
  }
  return steps;
}

/**
 * What a page says is printed, as a pattern. A word with a digit in it stands for any one word, as other photos and devices have other
 * numbers and names; a line `…` for any lines; spaces, and rules under the heads of tables, may be wider.
 */
export function patternOf(printed: string): RegExp {
  const words = plain(printed)
    .split(' ')
    .map((word) => (word === '…' ? '.*' : /\d/.test(word) ? '\\S+' : word.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')));
  return new RegExp(words.join(' ').replaceAll(/ ?(?<!\\)\.\* ?/g, '.*'));
}

/** Output on one line, with one space between words; rules and ends of lines that the shell would join are not part of it. */
export const plain = (output: string): string =>
  output
    .replace(/(^|\s)-+(?=\s)/g, '$1-')
    .replaceAll(' \\\n', ' ')
    .replace(/\s+/g, ' ')
    .trim();
