/** Signals in every phase of a training, alone, twice and to the whole process group: it saves, says how to resume, and resumes exactly. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, expect, it, vi } from 'vitest';
import { run, scratchFolder } from '../cli/run.ts';
import { rounds, Tries } from './campaign.ts';
import { scenariosIn } from './scenarios.ts';

vi.setConfig({ testTimeout: 3_600_000, hookTimeout: 600_000 });

const folder = scratchFolder();
const scenarios = scenariosIn(folder);
const straight = join(folder, 'straight');

/** What a phase prints, or does, when it has begun. */
const phases: readonly (readonly [string, (out: string, path: string) => boolean])[] = [
  ['starting', () => true],
  ['loading', (out) => out.includes('data ')],
  ['compiling', (out) => out.includes('adapter ')],
  ['training', (out) => out.includes('step 0:')],
  ['saving', (_, path) => existsSync(join(path, 'checkpoints', 'step-00000002.safetensors'))],
];

type Send = (child: ChildProcess) => void;
const ways: readonly (readonly [string, Send])[] = [
  ['Ctrl-C', (child) => process.kill(-child.pid!, 'SIGINT')],
  ['SIGTERM', (child) => child.kill('SIGTERM')],
  ['SIGHUP', (child) => process.kill(-child.pid!, 'SIGHUP')],
  [
    'SIGINT twice',
    (child) => {
      child.kill('SIGINT');
      setTimeout(() => child.kill('SIGINT'), 20);
    },
  ],
];
const codes = [130, 143, 129];

beforeAll(async () => {
  await scenarios.prepare();
  expect(await run(...scenarios.train.first(straight))).toMatchObject({ code: 0 });
});

it('signals', async () => {
  const wanted = scenarios.train.left(straight);
  const tries = new Tries('signals', 'train, in every phase');
  // Each phase gets one way in a short campaign, and each way gets its turn.
  const all = phases.flatMap((phase, i) => ways.map((way, j) => ({ phase, way, turn: (i + j) % ways.length })));
  try {
    for (const { phase, way } of all.filter(({ turn }) => rounds >= 4 || turn < rounds))
      await tries.try(async () => {
        const path = join(folder, `${phase[0]} ${way[0]}`);
        const { code, signal, err } = await stopped(path, phase[1], way[1]);
        expect(err, `${phase[0]}, ${way[0]}`).toBe('');
        // Before there is anything to save the signal itself ends the process.
        if (signal === null) expect([0, ...codes]).toContain(code);
        expect(await run(...scenarios.train.again(path))).toMatchObject({ code: 0, err: '' });
        expect(scenarios.train.left(path)).toEqual(wanted);
      });
  } finally {
    tries.close();
  }
});

/** Starts a training in a process group of its own and sends it a signal when a phase has begun. */
async function stopped(path: string, begun: (out: string, path: string) => boolean, send: Send) {
  const words = [resolve('dist/cli.js'), ...scenarios.train.first(path)];
  const child = spawn(process.execPath, words, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
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
