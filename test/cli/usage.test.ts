/** Wrong usage, in the process of the test: how the commands are set up, not what they do. */
import { type Command, CommanderError } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { shellWord } from '../../src/cli/common.ts';
import { complain } from '../../src/cli/complain.ts';
import { simclr } from '../../src/cli/program.ts';
import { Terminal } from '../../src/cli/terminal.ts';

afterEach(() => void vi.restoreAllMocks());

/** What is told of a command line that cannot be parsed. */
async function told(...args: string[]): Promise<string> {
  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  await expect(simclr().parseAsync(args, { from: 'user' })).rejects.toBeInstanceOf(CommanderError);
  return stderr.mock.calls.map(([text]) => String(text)).join('');
}

/** All commands that do something, by their words. */
function leaves(command: Command, words: readonly string[] = []): [words: readonly string[], command: Command][] {
  if (command.commands.length === 0) return [[words, command]];
  return command.commands.flatMap((child) => leaves(child, [...words, child.name()]));
}

describe('an empty value', () => {
  const options = leaves(simclr()).flatMap(([words, command]) =>
    command.options
      .filter(({ required, argChoices }) => required && !argChoices)
      .map(({ long }) => [words.join(' '), long!] as const),
  );

  it('is refused for every option of every command', async () => {
    const flags = new Set(options.map(([, flag]) => flag));
    const paths = [
      '--data',
      '--out',
      '--adapter',
      '--checkpoint',
      '--resume',
      '--init',
      '--query',
      '--exclude',
      '--cache',
    ];
    for (const flag of [...paths, '--to', '--url', '--lr', '--minutes', '--seeds']) expect(flags).toContain(flag);
    for (const [words, flag] of options) {
      expect(await told(...words.split(' '), flag, ''), `${words} ${flag}`).toMatch(
        new RegExp(
          `^error: option '${flag} <[^']+' argument '' is invalid\\. Give (an? )?[a-z ]+\\.\n\\(simclr ${words} --help lists the options\\)\n$`,
        ),
      );
      vi.restoreAllMocks();
    }
  });

  it('is told what to give', async () => {
    expect(await told('train', '--data', '')).toContain("argument '' is invalid. Give a folder.");
    expect(await told('data', 'stl10', '--url', '')).toContain('Give an address.');
    expect(await told('eval', 'linear', '--l2', '')).toContain('Give numbers.');
  });
});

describe('other wrong usage is one line and a hint', () => {
  it.each([
    [
      ['train', '--data', 'x', '--dry-run', '--profile'],
      "error: option '--dry-run' cannot be used with option '--profile'",
      'simclr train --help lists the options',
    ],
    [
      ['train', 'a', 'b'],
      "error: too many arguments for 'train'. Expected 0 arguments but got 2.",
      'simclr train --help lists the options',
    ],
    [
      ['train', '--dta', 'x'],
      "error: unknown option '--dta' (Did you mean --data?)",
      'simclr train --help lists the options',
    ],
    [
      ['tran'],
      "error: unknown command 'tran' (Did you mean train?)",
      'simclr --help lists the commands and their options',
    ],
    [['eval', 'x\ny\x1b[31m'], "error: unknown command 'x\\ny\\u001b[31m'", 'simclr eval --help lists the commands'],
    [
      ['data', 'stl10', '--o\nut'],
      "error: unknown option '--o\\nut' (Did you mean --out?)",
      'simclr data stl10 --help lists the options',
    ],
    [
      ['eval', 'knn', '--k', 'a\nb'],
      "error: option '--k <numbers>' argument 'a\\nb' is invalid. Give a whole number from 1 to 2147483648.",
      'simclr eval knn --help lists the options',
    ],
  ])('%j', async (args, message, hint) => {
    expect(await told(...args)).toBe(`${message}\n(${hint})\n`);
  });
});

describe('names on the terminal', () => {
  const name = 'a\nb\x1b[2J\u202e.jpg';
  const shown = 'a\\nb\\u001b[2J\\u202e.jpg';

  it('are on one line and change nothing', () => {
    let written = '';
    const terminal = new Terminal({ write: (text: string) => (written += text) }, {});
    terminal.line(`data       ${name}`);
    terminal.table(['image', 'class'], [[name, name]]);
    terminal.lines('one\ntwo');
    expect(written).toBe(
      `data       ${shown}\n${'image'.padEnd(shown.length)}  ${'class'.padStart(shown.length)}\n${'-'.repeat(shown.length)}  ${'-'.repeat(shown.length)}\n${shown}  ${shown}\none\ntwo\n`,
    );
  });

  it('errors too', () => {
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    complain(`${name}: no such folder`);
    expect(stderr.mock.calls).toEqual([[`simclr: ${shown}: no such folder\n`]]);
  });

  it('commands can still be pasted', () => {
    expect(shellWord("it's")).toBe("'it'\\''s'");
    expect(shellWord("a\n'\\b\u202e")).toBe("$'a\\012\\'\\\\b\\342\\200\\256'");
  });
});
