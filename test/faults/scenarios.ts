/** Commands that are disturbed, and what they must have left in the end. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ensureSampleSet } from '../../src/data/sample.ts';
import { weightsOf } from '../cli/resume.ts';
import { type Finished, metrics, run, start, steps, tiny } from '../cli/run.ts';
import { adapters } from '../ops/harness.ts';

export interface Scenario {
  readonly name: string;
  /** The words of the command that writes to `out`. */
  first(out: string): readonly string[];
  /** What a user runs after it was stopped. */
  again(out: string): readonly string[];
  /** All that matters of what it leaves. */
  left(out: string): unknown;
}

const digest = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

/** The files of a folder, at any depth, without those that are only there while something is written. */
const files = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.tmp') && entry.name !== 'run.lock')
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path.slice(folder.length + 1), digest(path)]),
  );

/** Twelve pictures, three steps an epoch; the last step of a run. */
const lastStep = 9;

export interface Scenarios {
  /** Draws the pictures and trains the encoder that the other commands use. */
  prepare(): Promise<void>;
  readonly train: Scenario;
  /** Commands that are simply run again. */
  readonly others: readonly Scenario[];
}

export function scenariosIn(folder: string): Scenarios {
  const data = join(folder, 'sample');
  const trained = join(folder, 'trained');
  const device = ['--adapter', adapters[0] ?? 'none', '--no-autotune'];
  const more = ['--no-autotune', '--draw-every', '1', '--epochs', '3', '--checkpoint-steps', '2'];
  const first = (out: string) => ['train', '--data', data, ...tiny, ...more, '--out', out];
  const repeated = (name: string, words: (out: string) => string[]): Scenario => {
    const command = (out: string) => [...name.split(' '), ...words(out)];
    return { name, first: command, again: command, left: files };
  };
  const encoder = ['--checkpoint', trained, '--data', data, ...device];
  return {
    async prepare() {
      ensureSampleSet(data, { train: 20, test: 20, unlabeled: 12 });
      const { code, err } = await run(...first(trained));
      if (code !== 0) throw new Error(err);
    },
    train: {
      name: 'train',
      first,
      again: (out) => (existsSync(join(out, 'config.json')) ? ['train', '--resume', out] : first(out)),
      left: (out) => ({
        weights: weightsOf(out, lastStep),
        steps: steps(out),
        epochs: metrics(out)
          .filter(({ type }) => type === 'epoch')
          .map(({ step, loss }) => ({ step, loss })),
        figures: files(join(out, 'figures')),
      }),
    },
    others: [
      repeated('embed', (out) => [...encoder, '--out', join(out, 'features.npy')]),
      repeated('eval knn', (out) => [...encoder, '--k', '3', '--out', out]),
      repeated('data sample', (out) => ['--out', out]),
    ],
  };
}

/** Starts a command with modules that are loaded before it, and their settings. */
export function disturbed(words: readonly string[], module: string, env: NodeJS.ProcessEnv): Promise<Finished> {
  const options = `--import=${resolve(module)}`;
  return start(words, process.cwd(), { ...process.env, ...env, NODE_OPTIONS: options }).done;
}
