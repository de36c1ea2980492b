/** Signals in every phase of a training: it saves, says how to resume, and resumes exactly. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, expect, it, vi } from 'vitest';
import { canOpenTerminal } from '../cli/pty.ts';
import { metrics, scratchFolder } from '../cli/run.ts';
import { rounds, Tries } from './campaign.ts';
import { scenariosIn, succeeds } from './scenarios.ts';

vi.setConfig({ testTimeout: 3_600_000, hookTimeout: 600_000 });

const folder = scratchFolder();
const scenarios = scenariosIn(folder);
const straight = join(folder, 'straight');

const logged = (path: string): number => {
  try {
    return metrics(path).length;
  } catch {
    return 0; // there is no log yet, or a line is being written
  }
};

/** What a phase prints, or leaves, when it has begun. */
const phases: readonly (readonly [string, (out: string, path: string) => boolean])[] = [
  ['starting', () => true],
  ['loading', (out) => out.includes('data ')],
  ['compiling', (out) => out.includes('adapter ')],
  ['training', (_, path) => logged(path) > 0],
  ['saving', (_, path) => existsSync(join(path, 'checkpoints', 'step-00000002.safetensors'))],
  ['evaluating', (_, path) => logged(path) >= 4], // an epoch's last step is logged, its features are asked for
];

interface Way {
  readonly name: string;
  readonly send: (child: ChildProcess) => void;
  /** In a terminal of its own, which python opens. */
  readonly terminal?: boolean;
}

const ways: readonly Way[] = [
  { name: 'Ctrl-C, to the process group', send: (child) => process.kill(-child.pid!, 'SIGINT') },
  { name: 'SIGTERM', send: (child) => child.kill('SIGTERM') },
  { name: 'SIGHUP, to the process group', send: (child) => process.kill(-child.pid!, 'SIGHUP') },
  { name: 'SIGINT twice', send: (child) => twice(child, 'SIGINT') },
  { name: 'SIGTERM twice', send: (child) => twice(child, 'SIGTERM') },
  ...(canOpenTerminal
    ? [{ name: 'terminal closed', terminal: true, send: (child: ChildProcess) => child.kill('SIGUSR1') }]
    : []),
];

function twice(child: ChildProcess, signal: NodeJS.Signals): void {
  child.kill(signal);
  setTimeout(() => child.kill(signal), 20);
}

/** Ends of a process that was told to stop: it had nothing to save yet, or saved, or was done before it heard. */
const codes = [0, 130, 143, 129];
/** How Python exits for a process that SIGHUP ended. */
const hungUp = 255;

beforeAll(async () => {
  await scenarios.prepare();
  await succeeds(scenarios.train, scenarios.train.first(straight));
});

// A short campaign sends one of them in each phase, a long one all in all.
const turns = phases.flatMap((_, i) =>
  ways.map((way, j) => ({ phase: phases[(i + j) % phases.length], way, turn: i })),
);

it.each(ways)('$name', async (way) => {
  const wanted = scenarios.train.left(straight);
  const tries = new Tries('signals', `train: ${way.name}`);
  try {
    for (const { phase } of turns.filter((one) => one.way === way && one.turn < rounds))
      await tries.try(async () => {
        const path = join(folder, `${phase[0]} ${way.name}`);
        const { code, signal, err } = await stopped(path, phase[1], way);
        expect(err, phase[0]).toBe('');
        // Before there is anything to save the signal itself ends the process.
        if (signal === null) expect(way.terminal ? [...codes, hungUp] : codes, phase[0]).toContain(code);
        await succeeds(scenarios.train, scenarios.train.again(path));
        expect(scenarios.train.left(path), phase[0]).toEqual(wanted);
      });
  } finally {
    tries.close();
  }
});

/** Starts a training in a process group of its own and sends it a signal when a phase has begun. */
async function stopped(path: string, begun: (out: string, path: string) => boolean, { send, terminal }: Way) {
  const words = [process.execPath, resolve('dist/cli.js'), ...scenarios.train.first(path)];
  const inTerminal = ['python3', resolve('test/cli/in_terminal.py'), '80,hangup', ...words];
  const [program, ...rest] = terminal ? inTerminal : words;
  const child = spawn(program, rest, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (text) => (out += text));
  child.stderr.on('data', (text) => (err += text));
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((settle) =>
    child.on('close', (code, signal) => settle({ code, signal })),
  );
  while (child.exitCode === null && child.signalCode === null && !begun(out, path))
    await new Promise((wake) => setTimeout(wake, 5));
  if (child.exitCode === null && child.signalCode === null) send(child);
  return { ...(await ended), err: err.replace(/^(Warning: max|WARNING: lavapipe).*\n/gm, '') };
}
