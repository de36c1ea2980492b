/** Runs the built command line in a pseudo terminal, as people see it. */
import { spawn, spawnSync } from 'node:child_process';
import { relative, resolve } from 'node:path';

/** Whether there is a Python that can open one. */
export const canOpenTerminal =
  spawnSync('python3', ['-c', 'import os, pty, termios; os.waitstatus_to_exitcode']).status === 0;

export interface Shown {
  /** Escapes are ␛. */
  readonly text: string;
  readonly status: number | null;
}

/** What a command shows in a terminal that is `columns` wide; with `80,60`, 60 from the first bar on, where a zero stands; with `80,closed` it is closed then. */
export async function shown(
  columns: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Shown> {
  const { XTERM_VERSION: _, NO_COLOR: __, COLUMNS: ___, ...inherited } = process.env;
  const program = [process.execPath, relative(cwd, resolve('dist/cli.js')), ...args];
  const child = spawn('python3', [resolve('test/cli/in_terminal.py'), columns, ...program], {
    cwd,
    env: { ...inherited, TERM: 'xterm-256color', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  const status = await new Promise<number | null>((settle) => child.on('close', settle));
  return { text: text.replaceAll('\x1b', '␛'), status };
}

/** Columns of the labels in front of what is printed, and of the backslash behind it. */
const label = 13;

/** The lines and bars that are wider than the terminal, long paths apart, and what Dawn says of drivers. */
export const tooWide = (text: string, columns: number): string[] =>
  text
    .replaceAll(/␛\[([KJ]|\dA)/g, '') // what the program may write; any other escape counts as text
    .split(/[\r\n]+/)
    .filter((line) => [...line].length > columns && !/^Warning: max/.test(line))
    // Beside a label or an indent a path may be too long, and cannot be broken.
    .filter((line) => !line.split(' ').some((word) => word.length + label > columns));
