/** Runs the built command line as a user does, in a process of its own. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll } from 'vitest';
import { adapters } from '../ops/harness.ts';

/** Lines are not broken, so that tests find what they look for, whatever the length of their folders' names. */
process.env['COLUMNS'] = '1000';

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** A started command; `done` resolves when it has ended, `out()` is what it has printed so far. */
export interface Started {
  readonly child: ChildProcess;
  readonly done: Promise<Finished>;
  out(): string;
}

/** Starts one of the project's programs. */
export function startProgram(program: string, args: readonly string[], options: SpawnOptions = {}): Started {
  const words = [resolve(program), ...args];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    err += chunk;
  });
  const done = new Promise<Finished>((settle) => {
    child.on('close', (code, signal) => settle({ code, signal, out, err: withoutDriverNoise(err) }));
  });
  return { child, done, out: () => out };
}

/** Starts the built command line. */
export const start = (args: readonly string[], cwd = process.cwd(), env = process.env): Started =>
  startProgram('dist/cli.js', args, { cwd, env });

export const run = (...args: string[]): Promise<Finished> => start(args).done;

/** Dawn's own warnings about drivers go to stderr too; they are not the program's words. */
export const withoutDriverNoise = (text: string): string =>
  text
    .split('\n')
    .filter((line) => !/^Warning: max|^MESA|libEGL|^WARNING: lavapipe/i.test(line))
    .join('\n');

/** A folder that is gone after the file's tests. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'simclr-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export type Line = Record<string, unknown> & { type: string; step: number; loss: number };

export const metrics = (folder: string): Line[] =>
  readFileSync(join(folder, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

/** What must be equal between two runs that are the same run: the numbers of every step. */
export const steps = (folder: string) =>
  metrics(folder)
    .filter(({ type }) => type === 'step')
    .map(({ step, loss, accuracy, lr }) => ({ step, loss, accuracy, lr }));

/** Settings of a run so small that a step takes a fraction of a second on a software adapter. */
export const tiny = [
  '--width',
  '0.25',
  '--image-size',
  '16',
  '--batch-size',
  '4',
  '--knn-every',
  '0',
  '--figure-every',
  '0',
  '--adapter',
  adapters[0] ?? 'none',
];
