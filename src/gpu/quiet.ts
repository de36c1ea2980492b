import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import process from 'node:process';

/**
 * What Dawn and the driver print on every start although nothing is wrong: Dawn caps two limits that it would not use anyway,
 * and lavapipe looks for a display.
 */
const harmless = [
  '^Warning: maxDynamic(Uniform|Storage)BuffersPerPipelineLayout artificially reduced from \\d+ to \\d+ to fit dynamic offset allocation limit\\.$',
  '^error: XDG_RUNTIME_DIR is invalid or not set in the environment\\.$',
];

/**
 * The filter's program: copies whole lines from stdin to stderr, but those. A process of its own, so that the last words of a
 * driver that crashes arrive too.
 */
const program = `
const harmless = ${JSON.stringify(harmless)}.map((pattern) => new RegExp(pattern));
const fs = require('node:fs');
const write = (text) => {
  for (let data = Buffer.from(text, 'latin1'); data.length > 0; ) {
    try { data = data.subarray(fs.writeSync(2, data)); } catch (error) { if (error.code !== 'EAGAIN') return; }
  }
};
let rest = '';
process.stdin.setEncoding('latin1');
process.stdin.on('data', (text) => {
  const lines = (rest + text).split('\\n');
  rest = lines.pop();
  for (const line of lines) if (!harmless.some((pattern) => pattern.test(line))) write(line + '\\n');
});
process.stdin.on('end', () => write(rest));
`;

/** The C library's calls for file descriptors, which Node does not have. */
interface Descriptors {
  dup(from: number): number;
  dup2(from: number, to: number): number;
  pipe2(ends: Int32Array, flags: number): number;
}

const stderr = 2;
/** Linux's O_CLOEXEC: processes that are started meanwhile must not hold the pipe open. */
const closeOnExec = 0o2000000;

let descriptors: Promise<Descriptors | undefined> | undefined;

/** undefined where they are not to be had: on other systems than Linux, and where the optional package koffi is not installed. */
async function loadDescriptors(): Promise<Descriptors | undefined> {
  if (process.platform !== 'linux') return undefined;
  try {
    const { default: koffi } = await import('koffi');
    const library = koffi.load(null);
    return {
      dup: library.func('int dup(int)'),
      dup2: library.func('int dup2(int, int)'),
      pipe2: library.func('int pipe2(_Out_ int *, int)'),
    };
  } catch {
    return undefined;
  }
}

/** Sections under way: they share one filter. */
let depth = 0;
let filter: Promise<(() => Promise<void>) | undefined> | undefined;

/** Puts the filter in the place of stderr. Returns what takes it away again, or undefined where there is no filter. */
async function startFilter(): Promise<(() => Promise<void>) | undefined> {
  const calls = await (descriptors ??= loadDescriptors());
  if (!calls) return undefined;
  // Node decides on first use what its stderr is: it must not find the pipe there.
  void process.stderr;
  const ends = new Int32Array(2);
  if (calls.pipe2(ends, closeOnExec) !== 0) return undefined;
  const [readEnd, writeEnd] = ends;
  // In a session of its own: what interrupts this process must not take the filter along.
  const child = spawn(process.execPath, ['--eval', program], {
    stdio: [readEnd, 'ignore', 'inherit'],
    detached: true,
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  closeSync(readEnd);
  const ended = endOf(child);
  const kept = child.pid === undefined ? -1 : calls.dup(stderr);
  if (kept >= 0) calls.dup2(writeEnd, stderr);
  closeSync(writeEnd);
  return async () => {
    if (kept >= 0) {
      calls.dup2(kept, stderr);
      closeSync(kept);
    }
    await ended;
  };
}

const endOf = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });

/**
 * Runs what makes Dawn look at adapters, and keeps the lines that it always prints then away from the terminal. All else that is
 * written to stderr meanwhile comes through in order, before this returns or after the process has crashed.
 */
export async function withoutHarmlessMessages<T>(run: () => Promise<T>): Promise<T> {
  depth++;
  filter ??= startFilter();
  try {
    await filter;
    return await run();
  } finally {
    if (--depth === 0) await stopFilter();
  }
}

async function stopFilter(): Promise<void> {
  const stop = await filter;
  // Another section may have begun meanwhile.
  if (depth > 0) return;
  filter = undefined;
  await stop?.();
}
