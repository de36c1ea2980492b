/** Commands that are disturbed, and what they must have left in the end. */
import { execFileSync, type SpawnOptions } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import { ensureSampleSet } from '../../src/data/sample/sample.ts';
import { weightsOf } from '../cli/resume.ts';
import { type Finished, metrics, type Started, startProgram, steps, tiny } from '../cli/run.ts';
import { flagsOf, images, timeless } from '../experiment/tiny.ts';
import { adapters } from '../ops/harness.ts';

export interface Scenario {
  readonly name: string;
  /** The program that Node runs; the command line by default. */
  readonly program?: string;
  /** What it may write to stderr; nothing by default. */
  readonly says?: RegExp;
  /** The words of the command that writes to `out`. */
  first(out: string): readonly string[];
  /** What a user runs after it was stopped. */
  again(out: string): readonly string[];
  /** All that matters of what it leaves. */
  left(out: string): unknown;
}

const digest = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

/** Digests of the files of a folder, at any depth, without those that are only there while something is written. */
const files = (folder: string, wanted = /(?<!\.tmp|run\.lock)$/): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && wanted.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path.slice(folder.length + 1), digest(path)]),
  );

/** The lines of a run's log, without how long they took. */
const epochs = (out: string) =>
  metrics(out)
    .filter(({ type }) => type === 'epoch')
    .map(({ step, loss, knn }) => ({ step, loss, knn }));

/** Sixteen pictures, four steps an epoch; the last step of a run. */
const lastStep = 12;

/** What a training leaves, whatever happened to it on the way. */
export const leftByTraining = (out: string) => ({
  weights: weightsOf(out, lastStep),
  steps: steps(out),
  epochs: epochs(out),
  figures: files(join(out, 'figures')),
});

export interface Scenarios {
  /** Draws the pictures and trains the encoder that the other commands use. */
  prepare(): Promise<void>;
  readonly train: Scenario;
  readonly experiment: Scenario;
  readonly embed: Scenario;
  readonly knn: Scenario;
  readonly export: Scenario;
  readonly sample: Scenario;
  readonly pack: Scenario;
}

export function scenariosIn(folder: string): Scenarios {
  const data = join(folder, 'sample');
  const trained = join(folder, 'trained');
  const device = ['--adapter', adapters[0] ?? 'none', '--no-autotune'];
  const more = ['--no-autotune', '--figure-every', '1', '--knn-every', '1', '--epochs', '3', '--checkpoint-steps', '2'];
  const first = (out: string) => ['train', '--data', data, ...tiny, ...more, '--out', out];
  const repeated = (name: string, words: (out: string) => string[]): Scenario => {
    const command = (out: string) => [...name.split(' '), ...words(out)];
    return { name, first: command, again: command, left: files };
  };
  const encoder = ['--checkpoint', trained, '--data', data, ...device];
  const archive = (out: string) => ['--fast', '--out', join(out, 'archive.tar.xz')];
  const train: Scenario = {
    name: 'train',
    first,
    again: (out) => (existsSync(join(out, 'config.json')) ? ['train', '--resume', out] : first(out)),
    left: leftByTraining,
  };
  return {
    async prepare() {
      ensureSampleSet(data, images);
      mkdirSync(trained);
      await succeeds(train, first(trained));
    },
    train,
    experiment: {
      ...repeated('experiment', (out) => [...flagsOf(data).slice(1), '--no-autotune', '--out', out]),
      left: (out) => ({
        results: timeless(JSON.parse(readFileSync(join(out, 'results.json'), 'utf8'))),
        files: files(out, /^(probe\.json|model\.safetensors|.*\.svg)$/),
      }),
    },
    embed: repeated('embed', (out) => [...encoder, '--out', join(out, 'features.npy')]),
    knn: repeated('eval knn', (out) => [...encoder, '--k', '3', '--out', out]),
    export: repeated('export', (out) => ['--checkpoint', trained, '--out', join(out, 'encoder.safetensors')]),
    sample: repeated('data sample', (out) => ['--out', out]),
    pack: {
      name: 'pack',
      program: 'scripts/pack.mjs',
      says: /^(pack: .*\n)*$/,
      first: archive,
      again: archive,
      left: packed,
    },
  };
}

/** The names and sizes of what an archive holds; the times in it differ. */
const packed = (out: string): unknown =>
  execFileSync('tar', ['--list', '--verbose', '--file', join(out, 'archive.tar.xz')], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.split(/\s+/))
    .map(([mode, owner, size, _day, _time, ...name]) => [mode, owner, size, ...name].join(' '));

/** Starts a scenario's program. */
export const startScenario = (
  { program = 'dist/cli.js' }: Scenario,
  words: readonly string[],
  options: SpawnOptions = {},
): Started => startProgram(program, words, options);

/** Runs a scenario's program to its good end. */
export async function succeeds(scenario: Scenario, words: readonly string[], options?: SpawnOptions): Promise<void> {
  const { code, signal, err, out } = await startScenario(scenario, words, options).done;
  expect(err).toMatch(scenario.says ?? /^$/);
  expect({ code, signal }, out.slice(-2000)).toEqual({ code: 0, signal: null });
}

/** An environment in which a module is loaded before the program, with its settings. */
export const disturbedBy = (module: string, env: NodeJS.ProcessEnv): SpawnOptions => ({
  env: { ...process.env, ...env, NODE_OPTIONS: `--import=${resolve(module)}` },
});

/** Starts a command with modules that are loaded before it, and waits for its end. */
export const disturbed = (
  scenario: Scenario,
  words: readonly string[],
  module: string,
  env: NodeJS.ProcessEnv,
): Promise<Finished> => startScenario(scenario, words, disturbedBy(module, env)).done;
