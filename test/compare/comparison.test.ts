/** A comparison of tiny sizes by the command line: killed in a training it goes on as if it had not been, and its report says what it found. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Results } from '../../src/compare/results.ts';
import { ensureSampleSet } from '../../src/data/sample/sample.ts';
import { metrics, run, scratchFolder, start, steps, tiny } from '../cli/run.ts';
import { timeless } from '../experiment/tiny.ts';
import { adapters } from '../ops/harness.ts';
import { expectLogged } from '../tensorboard/read_events.ts';

const folder = scratchFolder();
const data = join(folder, 'data');
const straight = join(folder, 'straight');

const flags = [
  ...['compare', '--data', data, ...tiny, '--no-autotune', '--methods', 'simclr,moco,rotation', '--steps', '6'],
  ...['--set', 'moco.queue-size=8', '--set', 'moco.batch-norm-splits=1', '--checkpoint-steps', '1', '--labels', '1'],
  ...['--finetune-epochs', '1', '--map-points', '12', '--log', 'tensorboard'],
];

const resultsIn = (path: string): Results => JSON.parse(readFileSync(join(path, 'results.json'), 'utf8'));

/** Without times, places and memory: that of a process which went on has no first step's. */
const lasting = (path: string): unknown =>
  JSON.parse(JSON.stringify(timeless(resultsIn(path).rows), (key, value) => (key === 'memory' ? undefined : value)));

beforeAll(async () => {
  ensureSampleSet(data, { train: 20, test: 20, unlabeled: 16 });
  const { code, err } = await run(...flags, '--out', straight);
  expect(err).toBe('');
  expect(code).toBe(0);
}, 400_000);

it('trains and measures every row, an untrained encoder before them', () => {
  const { rows, labelled, images } = resultsIn(straight);
  expect(rows.map(({ label }) => label)).toEqual(['untrained encoder', 'simclr', 'moco', 'rotation']);
  expect(labelled).toMatchObject({ train: 20, test: 20, few: 10 });
  expect(images).toBe(20);
  for (const { label, untrained, runs } of rows) {
    const [{ trained, measures, failed }] = runs;
    expect(failed).toBeUndefined();
    expect(measures!.knn!.accuracy).toBeGreaterThanOrEqual(0);
    expect(measures!.effectiveRank).toBeGreaterThan(1);
    expect(measures!.effectiveRank).toBeLessThanOrEqual(measures!.dimensions);
    expect(measures!.uniformity).toBeLessThan(0);
    expect(measures!.map).toHaveLength(24);
    expect(untrained ? 0 : trained!.steps).toBe(untrained ? 0 : 6);
    if (!untrained && label !== 'rotation') expect(trained!.embeddingSpread).toBeGreaterThan(0);
  }
});

it('says in both reports what it found', () => {
  const html = readFileSync(join(straight, 'report.html'), 'utf8');
  const markdown = readFileSync(join(straight, 'report.md'), 'utf8');
  const { rows } = resultsIn(straight);
  for (const text of [html, markdown]) {
    for (const { label, runs } of rows) {
      expect(text).toContain(label);
      expect(text).toContain((100 * runs[0].measures!.linear!.accuracy).toFixed(2));
      expect(text).toContain(runs[0].measures!.alignment.toFixed(3));
    }
    expect(text).toMatch(/What they cannot tell/);
  }
  for (const name of ['losses', 'tsne'])
    for (const ending of ['svg', 'png']) expect(existsSync(join(straight, 'figures', `${name}.${ending}`))).toBe(true);
});

it('shows the score of a method’s own task beside guessing, and its last pictures', () => {
  const { scores, pictures } = resultsIn(straight).rows[3].runs[0].trained!;
  expect(scores).toEqual([{ label: 'acc', format: 'percent', chance: 0.25, value: expect.any(Number) }]);
  expect(pictures).toEqual(['rotations', 'attention'].map((name) => `figures/${name}-step-00000006.png`));
  const markdown = readFileSync(join(straight, 'report.md'), 'utf8');
  expect(markdown).toMatch(
    new RegExp(`rotation \\| [\\d.]+ \\| 1.386 \\| acc ${(100 * scores[0].value).toFixed(2)} % \\| 25.00 %`),
  );
  for (const [i, file] of pictures.entries()) {
    const shown = readFileSync(join(straight, 'figures', `pictures-3-${i}.png`));
    expect(shown.equals(readFileSync(join(straight, 'rotation', file)))).toBe(true);
  }
});

it('has all its trainings in TensorBoard too, and so have evaluations', async () => {
  for (const name of ['simclr', 'moco', 'rotation']) {
    expectLogged(join(straight, name));
    expectLogged(join(straight, name, 'finetune', 'few-labels'));
  }
  expectLogged(join(straight, 'untrained', 'finetune', 'few-labels'));
  const given = ['--checkpoint', join(straight, 'moco'), '--data', data, '--adapter', adapters[0] ?? 'none'];
  const log = ['--finetune-epochs', '1', '--log', 'tensorboard'];
  for (const args of [['finetune'], ['low-label', '--labels', '1', '--finetune']]) {
    const { code, err } = await run('eval', ...args, ...given, ...log);
    expect(code, err).toBe(0);
  }
  const trainings = (name: string) => join(straight, 'moco', 'eval', name, 'trainings');
  expectLogged(join(trainings('finetune'), 'all'));
  const subsets = readdirSync(trainings('low-label'));
  expect(subsets).toHaveLength(5);
  for (const subset of subsets) expectLogged(join(trainings('low-label'), subset));
});

it('has runs that other commands read', async () => {
  const out = join(folder, 'encoder.safetensors');
  const { code } = await run('export', '--checkpoint', join(straight, 'moco'), '--out', out);
  expect(code).toBe(0);
});

describe('a comparison', () => {
  it('that is killed in a training ends as the one that was not', async () => {
    const killed = join(folder, 'killed');
    const { child, done } = start([...flags, '--out', killed]);
    const moco = join(killed, 'moco');
    for (let saved = false; !saved && child.exitCode === null; ) {
      await new Promise((wake) => setTimeout(wake, 20));
      saved = existsSync(join(moco, 'checkpoints', 'step-00000002.safetensors'));
    }
    child.kill('SIGKILL');
    expect((await done).signal).toBe('SIGKILL');
    expect(existsSync(join(moco, 'finished.json'))).toBe(false);
    const { code, out, err } = await run('compare', '--resume', killed, '--log', 'tensorboard');
    expect(err).toBe('');
    expect(code).toBe(0);
    expect(out).toMatch(/train simclr, seed 1: finished before/);
    expect(out).toMatch(/resuming after step [2-5]/);
    expect(steps(moco)).toEqual(steps(join(straight, 'moco')));
    expect(metrics(moco).filter(({ type }) => type === 'step')).toHaveLength(6);
    expectLogged(moco);
    expect(lasting(killed)).toEqual(lasting(straight));
  }, 400_000);

  it('goes on to the end only once, and makes its report anew', async () => {
    rmSync(join(straight, 'report.md'));
    const { code, out } = await run('compare', '--resume', straight);
    expect(code).toBe(0);
    expect(out.match(/: finished before/g)).toHaveLength(7);
    expect(existsSync(join(straight, 'report.md'))).toBe(true);
  });

  it('is not started again in its folder, and not resumed where there is none', async () => {
    const again = await run(...flags, '--out', straight);
    expect(again.code).toBe(1);
    expect(again.err).toMatch(/^simclr: .*already contains a comparison; continue it with --resume .*\n$/);
    const none = await run('compare', '--resume', data);
    expect(none.code).toBe(1);
    expect(none.err).toMatch(/^simclr: .*no compare\.json here.*\n$/);
  });

  it('goes on without a row that cannot be trained, and says so', async () => {
    const { code, out, err } = await run(
      ...['compare', '--data', data, ...tiny, '--no-autotune', '--steps', '3', '--sweep', 'lr=0.001,1e38'],
      ...['--labels', '0', '--map-points', '0', '--out', join(folder, 'failing')],
    );
    expect(code).toBe(1);
    expect(err).toMatch(/^simclr: simclr, lr 1e38: failed, see above; --resume .* tries again\n$/);
    expect(out).toMatch(/failed {5}simclr, lr 1e38, seed 1: /);
    const { rows } = resultsIn(join(folder, 'failing'));
    expect(rows.map(({ runs }) => runs[0].failed === undefined)).toEqual([true, true, false]);
  }, 200_000);
});
