/** The scripts of docs/examples/trackers, run against modules that write down what they are asked for. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readJsonLines } from '../../src/io/files.ts';
import { scratchFolder } from '../cli/run.ts';
import { makeRun } from './runs.ts';

const scratch = scratchFolder();
const scripts = resolve('docs/examples/trackers');
const python = spawnSync('python3', ['--version']).status === 0;

/** Modules of the same names, whose every call is a line of a file. */
const stub = `
import json, os
def write(call, *args, **more):
    with open(os.environ["CALLS"], "a") as file:
        file.write(json.dumps({"call": call, "args": args, **more}, default=str) + "\\n")
`;
const stubs = {
  'wandb.py': `${stub}
class Run:
    def __getattr__(self, name):
        return lambda *args, **more: write(name, *args, **more)
def init(**more):
    write("init", **more)
    return Run()
def Image(path):
    return "image " + os.path.basename(path)
`,
  'mlflow.py': `${stub}
from contextlib import contextmanager
@contextmanager
def start_run(**more):
    write("start_run", **more)
    yield
    write("end_run")
def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return lambda *args, **more: write(name, *args, **more)
`,
};
const modules = join(scratch, 'modules');
mkdirSync(modules);
for (const [name, text] of Object.entries(stubs)) writeFileSync(join(modules, name), text);

interface Call {
  readonly call: string;
  readonly args: unknown[];
  readonly step?: number;
  readonly config?: Record<string, unknown>;
}

const environment = (calls: string) => ({
  ...process.env,
  PYTHONPATH: modules,
  PYTHONDONTWRITEBYTECODE: '1',
  CALLS: calls,
});

function send(script: string, path: string): Call[] {
  const calls = join(scratch, `${script}.jsonl`);
  execFileSync('python3', [join(scripts, script), path], { env: environment(calls) });
  return readJsonLines(calls) as Call[];
}

describe.skipIf(!python)(`scripts for other trackers${python ? '' : ' (skipped: no python3)'}`, () => {
  const made = makeRun(join(scratch, 'run'));
  made.line({ type: 'probe', step: 0, knn: 0.2, majority: 0.1 });
  made.steps(1, 2, { lossScale: { scale: 512, skipped: 0 } });
  made.line({ type: 'warning', step: 2, kind: 'collapse', message: 'all alike', remedy: 'do less' });
  made.line({ type: 'epoch', epoch: 1, epochs: 4, step: 2, loss: 3, knn: 0.5 });
  made.steps(3, 3);
  made.text('{"type":"step","step":4,"lo'); // being written
  made.picture('similarity-step-00000002.png');

  it('Weights & Biases gets settings, each step once with all its numbers, warnings and pictures', () => {
    const calls = send('to_wandb.py', made.path);
    expect(calls[0]).toMatchObject({
      call: 'init',
      project: 'simclr',
      name: 'run',
      config: { method: 'simclr', lr: 0.001 },
    });
    const logged = calls.filter(({ call, step }) => call === 'log' && step !== undefined);
    expect(logged.map(({ step }) => step)).toEqual([0, 1, 2, 3]);
    expect(logged[2].args[0]).toMatchObject({ lr: 0.001, 'lossScale.scale': 512, 'epoch/knn': 0.5, 'epoch/loss': 3 });
    expect(calls.find(({ call }) => call === 'alert')).toMatchObject({ title: 'collapse', text: 'all alike' });
    expect(calls.at(-2)!.args[0]).toEqual({ 'figures/similarity-step-00000002': 'image similarity-step-00000002.png' });
    expect(calls.at(-1)!.call).toBe('finish');
  });

  it('MLflow gets parameters, metrics by step, warnings and pictures', () => {
    const calls = send('to_mlflow.py', made.path);
    const of = (name: string) => calls.filter(({ call }) => call === name);
    expect(of('log_params')[0].args[0]).toMatchObject({ method: 'simclr', data: '/photos' });
    expect(of('log_metrics').map(({ step }) => step)).toEqual([0, 1, 2, 2, 3]);
    expect(of('set_tag')[0].args).toEqual(['warning.collapse', 'all alike']);
    expect(of('log_artifacts')).toHaveLength(1);
    expect(calls.at(-1)!.call).toBe('end_run');
  });

  it('a run that goes on is followed to its end, and what a resume repeats is sent once', async () => {
    const live = makeRun(join(scratch, 'live'));
    const calls = join(scratch, 'live.jsonl');
    const lock = join(live.path, 'run.lock');
    writeFileSync(lock, '{}');
    live.steps(1, 2);
    const child = spawn('python3', [join(scripts, 'to_mlflow.py'), live.path], { env: environment(calls) });
    const ended = new Promise((done) => child.on('exit', done));
    const steps = () =>
      (readJsonLines(calls) as Call[]).filter(({ call }) => call === 'log_metrics').map(({ step }) => step);
    await expect.poll(() => readFileSync(calls, 'utf8'), { timeout: 20_000 }).toContain('"step": 2');
    writeFileSync(join(live.path, 'metrics.jsonl'), '');
    live.steps(1, 3);
    await expect.poll(steps, { timeout: 20_000 }).toEqual([1, 2, 3]);
    rmSync(lock);
    expect(await ended).toBe(0);
  });
});
