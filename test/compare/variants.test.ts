/** Which rows a command line makes, and which command lines are refused. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compareCommand } from '../../src/cli/compare.ts';
import { budgetGiven, checkResumed, variantsGiven } from '../../src/cli/compare_options.ts';
import { entriesOf, folderOf } from '../../src/compare/comparison.ts';
import { withBudget } from '../../src/compare/config.ts';
import { parseEach, type Row, storedAs, variants } from '../../src/compare/variants.ts';
import { UserError } from '../../src/errors.ts';
import { settingOf } from '../../src/train/settings.ts';

/** The options of a command line. */
function optionsOf(...args: string[]) {
  const command = compareCommand()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  command.parseOptions(args);
  return command.opts();
}

const rowsOf = (...args: string[]): Row[] =>
  variants(variantsGiven(optionsOf(...args)), { software: false, sample: false }, 1);

const labels = (rows: readonly Pick<Row, 'label'>[]) => rows.map(({ label }) => label);
const values = (rows: readonly Row[], name: string) => rows.map(({ settings }) => settingOf(settings, name));

describe('rows', () => {
  it('are methods, with their own recipes and what is equal for all', () => {
    const rows = rowsOf('--methods', 'simclr,byol', '--width', '0.5', '--set', 'byol.lr=0.03');
    expect(labels(rows)).toEqual(['simclr', 'byol']);
    expect(values(rows, 'lr')).toEqual([1e-3, 0.03]);
    expect(values(rows, 'optimizer')).toEqual(['adam', 'sgd']);
    expect(values(rows, 'width')).toEqual([0.5, 0.5]);
    expect(values(rows, 'knnEvery')).toEqual([5, 5]);
  });

  it('see images as their methods need it, unless it is given for all', () => {
    const methods = ['--methods', 'simclr,colorization,gan'];
    expect(values(rowsOf(...methods), 'input')).toEqual(['rgb', 'lightness', 'rgb']);
    expect(values(rowsOf(...methods), 'architecture')).toEqual(['resnet18', 'resnet18', 'dcgan']);
    expect(values(rowsOf(...methods), 'normalize')).toEqual(['imagenet', 'imagenet', 'half']);
    expect(() => rowsOf(...methods, '--input', 'rgb')).toThrow('use --input lightness');
  });

  it('have images as large as their methods need them in a run of minutes, stored at the largest size', () => {
    const short = (...args: string[]) =>
      variants(variantsGiven(optionsOf('--methods', 'simclr,jigsaw', ...args)), { software: true, sample: false }, 1);
    const sizes = (...args: string[]) => values(short(...args), 'imageSize');
    expect(sizes()).toEqual([32, 128]);
    expect(storedAs(short())).toEqual({ split: 'unlabeled', imageSize: 128 });
    expect(sizes('--image-size', '64')).toEqual([64, 64]);
    expect(sizes('--image-size', '64', '--set', 'jigsaw.image-size=96')).toEqual([64, 96]);
    const untrained = entriesOf(short()).filter((entry) => entry.untrained);
    expect(labels(untrained).map((label) => label.match(/\d+ pixels/)?.[0])).toEqual(['32 pixels', '128 pixels']);
  });

  it('are called as their methods are, whichever name was given', () => {
    const rows = rowsOf('--methods', 'simclr,moco-v2', '--set', 'moco-v2.queue-size=512');
    expect(labels(rows)).toEqual(['simclr', 'moco']);
    expect(values(rows, 'queueSize')).toEqual([undefined, 512]);
    expect(() => rowsOf('--methods', 'moco,moco-v2')).toThrow("'moco' is listed twice");
  });

  it('learn from the images that have labels where one of them needs these', () => {
    expect(values(rowsOf('--methods', 'simclr,supervised'), 'split')).toEqual(['train', 'train']);
    expect(values(rowsOf('--methods', 'simclr'), 'split')).toEqual(['unlabeled']);
  });

  it('are the values of a sweep, and all combinations of two', () => {
    const rows = rowsOf('--sweep', 'head-depth=1,2', '--sweep', 'embedding-dim=32,64');
    expect(labels(rows)).toEqual([
      'simclr, head-depth 1, embedding-dim 32',
      'simclr, head-depth 1, embedding-dim 64',
      'simclr, head-depth 2, embedding-dim 32',
      'simclr, head-depth 2, embedding-dim 64',
    ]);
    expect(values(rows, 'headDepth')).toEqual([1, 1, 2, 2]);
    expect(values(rows, 'embeddingDim')).toEqual([32, 64, 32, 64]);
    expect(rows[0].name).toBe('simclr-head-depth-1-embedding-dim-32');
    expect(values(rowsOf('--sweep', 'head-batch-norm=on,off'), 'headBatchNorm')).toEqual([true, false]);
    expect(values(rowsOf('--sweep', 'schedule=cosine,step'), 'schedule')).toEqual(['cosine', 'step']);
  });

  it('leave out one part of the augmentation each', () => {
    const rows = rowsOf('--leave-out', 'crop,jitter,blur', '--methods', 'byol');
    expect(labels(rows)).toEqual(['byol', 'byol without crop', 'byol without jitter', 'byol without blur']);
    expect(values(rows, 'cropMin')).toEqual([0.08, 1, 0.08, 0.08]);
    expect(values(rows, 'jitter')).toEqual([0.8, 0.8, 0, 0.8]);
    expect(values(rows, 'blur')).toEqual([1, 1, 1, 0]);
    expect(values(rows, 'secondBlur')).toEqual([0.1, 0.1, 0.1, 0]);
  });

  it('have an untrained encoder of each architecture before them', () => {
    expect(labels(entriesOf(rowsOf('--methods', 'simclr,byol')))).toEqual(['untrained encoder', 'simclr', 'byol']);
    const names = entriesOf(rowsOf('--sweep', 'width=0.25,0.5')).map(({ name }) => name);
    expect(names.slice(0, 2)).toEqual(['untrained-resnet18-imagenet-0.25', 'untrained-resnet18-imagenet-0.5']);
    const several = entriesOf(
      rowsOf('--methods', 'simclr,colorization,split-brain,gan,context-encoder', '--width', '0.25'),
    );
    expect(labels(several).slice(0, 5)).toEqual([
      'untrained encoder (resnet18, imagenet, width 0.25, normalize imagenet)',
      'untrained encoder (resnet18, imagenet, width 0.25, input lightness, normalize imagenet)',
      'untrained encoder (resnet18, imagenet, width 0.25, input lab-halves, normalize imagenet)',
      'untrained encoder (dcgan, width 0.25, normalize half)',
      'untrained encoder (resnet18, imagenet, width 0.25, normalize half)',
    ]);
    expect(several.slice(5).map(({ startsFrom }) => startsFrom)).toEqual(labels(several).slice(0, 5));
    expect(folderOf('byol', 2, { seeds: [2] })).toBe('byol');
    expect(folderOf('byol', 2, { seeds: [1, 2] })).toBe('byol-seed-2');
  });
});

it('every command line of docs/compare.md is one', () => {
  const text = readFileSync('docs/compare.md', 'utf8').replaceAll('\\\n', ' ');
  const lines = [...text.matchAll(/^npm run simclr -- compare (.*?)(?: +#.*)?$/gm)].map(([, line]) => line.split(/ +/));
  const begun = lines.filter((line) => !line.includes('--resume'));
  expect(begun.length).toBeGreaterThanOrEqual(5);
  for (const line of begun) {
    expect(rowsOf(...line).length, line.join(' ')).toBeGreaterThan(2);
    expect(budgetGiven(optionsOf(...line)).amount).toBeGreaterThan(0);
  }
});

describe('budgets', () => {
  const [row] = rowsOf('--batch-size', '10');

  it('are epochs, or steps and the epochs in which they lie', () => {
    const of = (kind: 'epochs' | 'steps' | 'minutes', amount: number) => {
      const { epochs, steps, knnEvery } = withBudget(row.settings, { kind, amount }, 100, {});
      return { epochs, steps, knnEvery };
    };
    expect(of('epochs', 30)).toEqual({ epochs: 30, steps: 0, knnEvery: 3 });
    expect(of('steps', 25)).toEqual({ epochs: 3, steps: 25, knnEvery: 1 });
    expect(of('minutes', 2)).toEqual({ epochs: 100, steps: 0, knnEvery: 5 });
    expect(withBudget(row.settings, { kind: 'epochs', amount: 30 }, 100, { knnEvery: 0 }).knnEvery).toBe(0);
  });

  it('are one', () => {
    expect(() => budgetGiven(optionsOf())).toThrow(/give the budget .*--epochs, --steps or --minutes/);
    expect(() => budgetGiven(optionsOf('--steps', '1', '--minutes', '1'))).toThrow(/--steps and --minutes cannot be/);
    expect(budgetGiven(optionsOf('--minutes', '1.5'))).toEqual({ kind: 'minutes', amount: 1.5 });
  });
});

describe('refused in one line, before anything is opened', () => {
  it.each([
    [['--set', 'byol.lr=1'], "--set byol.lr: 'byol' is none of --methods simclr"],
    [['--set', 'simclr.queue-size=8'], "--set simclr.queue-size: method simclr has no setting 'queue-size'"],
    [['--set', 'simclr.lr=fast'], "--set simclr.lr must be a number, not 'fast'"],
    [['--set', 'simclr.lr=-1'], '--set simclr.lr must be above 0, not -1'],
    [['--set', 'simclr.width=1'], '--set simclr.width: is the same for all methods; give --width'],
    [['--set', 'simclr.epochs=1'], '--set simclr.epochs: the budget is the same for all rows; give --epochs'],
    [['--set', 'simclr.lr=1', '--set', 'simclr.lr=2'], "--set: 'simclr.lr' is listed twice"],
    [['--sweep', 'queue-size=8,16', '--methods', 'moco,simclr'], "method simclr has no setting 'queue-size'"],
    [['--sweep', 'temperature=0.1,0'], '--sweep temperature must be above 0, not 0'],
    [['--sweep', 'temperature=0.1,0.1'], "'0.1' is listed twice"],
    [['--sweep', 'seed=1,2'], 'seeds are the same for all rows; give --seeds'],
    [['--sweep', 'image-size=32,64'], 'images are read once, for all rows; give --image-size'],
    [['--sweep', 'method=byol,moco'], "has no setting 'method'"],
    [['--sweep', 'lr=1,2', '--lr', '1'], '--sweep lr cannot be combined with --lr'],
    [['--sweep', 'lr=1,2', '--set', 'simclr.lr=1'], '--sweep lr cannot be combined with --set simclr.lr'],
    [['--leave-out', 'hue'], '--leave-out hue: is no part of the augmentation; there are crop, flip, jitter'],
    [['--leave-out', 'solarize'], '--leave-out solarize: method simclr is without it already here'],
    [['--leave-out', 'blur,blur'], "'blur' is listed twice"],
    [['--methods', 'simclr,simclr'], "'simclr' is listed twice"],
    [['--batch-size', '1'], '--batch-size must be 2 or more, not 1'],
  ])('%j', (args, message) => {
    const given = variantsGiven(optionsOf(...args));
    const thrown = (() => {
      try {
        variants(given, { software: false, sample: false }, 1, parseEach);
        return undefined;
      } catch (error) {
        return error;
      }
    })();
    expect(thrown).toBeInstanceOf(UserError);
    expect((thrown as UserError).exitCode).toBe(2);
    expect((thrown as UserError).message).toContain(message);
  });

  it.each([
    [['--methods', 'simclr,nope'], /No method is named 'nope'; there are simclr,/],
    [['--set', 'lr=1'], /byol\.lr=0\.06/],
    [['--sweep', 'temperature'], /temperature=0\.05,0\.1,0\.5/],
    [['--epochs', '0'], /whole number from 1/],
  ])('%j', (args, message) => {
    expect(() => optionsOf(...args)).toThrow(message);
  });

  it('what only a new comparison takes, with --resume', () => {
    expect(() => checkResumed(optionsOf('--resume', 'x', '--epochs', '3', '--lr', '1'))).toThrow(
      /omit --epochs, --lr$/,
    );
    expect(() => checkResumed(optionsOf('--resume', 'x', '--data', 'd', '--no-autotune'))).not.toThrow();
  });
});
