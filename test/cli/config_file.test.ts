/** `--config`: what a file makes of a command line. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withConfig } from '../../src/cli/config_file.ts';
import { madeSettings, writeRun } from '../train/made.ts';
import { scratchFolder } from './run.ts';

const folder = scratchFolder();
let files = 0;

function file(text: string, extension = 'yaml'): string {
  const path = join(folder, `${++files}.${extension}`);
  writeFileSync(path, text);
  return path;
}

/** The words of a user with a file behind `--config`, as commander gets them. */
const words = (line: string, path: string): readonly string[] =>
  withConfig(['node', 'simclr', ...line.split(' '), '--config', path]).slice(2);

describe('--config', () => {
  it('without it the line stays as it is', () => {
    const argv = ['node', 'simclr', 'train', '--lr', '1'];
    expect(withConfig(argv)).toBe(argv);
    expect(withConfig([...argv, '--config'])).toEqual([...argv, '--config']); // commander says what is missing
  });

  it('options of a file stand before those of the line: names as flags or as settings', () => {
    const yaml = file('# a run\nmethod: moco\nbatch-size: 64\nlr: 1e-3\nautotune: false\n');
    expect(words('train --data x', yaml)).toEqual([
      ...['train', '--method=moco', '--batch-size=64', '--lr=0.001', '--no-autotune', '--data', 'x'],
    ]);
    expect(withConfig(['node', 'simclr', 'train', `--config=${file('{"batchSize": 8}', 'json')}`])).toEqual([
      ...['node', 'simclr', 'train', '--batch-size=8'],
    ]);
    expect(words('train', file(''))).toEqual(['train']);
  });

  it('the line overrides the file, lists too, and a length takes the place of another', () => {
    const yaml = file('lr: 1\nexclude: [a, b]\nsteps: 5\nepochs: 3\n');
    expect(words('train --lr=2 --exclude c', yaml)).toEqual([
      'train',
      '--steps=5',
      '--epochs=3',
      '--lr=2',
      '--exclude',
      'c',
    ]);
    expect(words('train --minutes 1', yaml)).toEqual([
      ...'train --lr=1 --exclude=a --exclude=b --minutes 1'.split(' '),
    ]);
    expect(words('train --epochs 9', yaml)).toEqual([...'train --lr=1 --exclude=a --exclude=b --epochs 9'.split(' ')]);
  });

  it('a method of the file decides which settings there are, and so does that of the line', () => {
    expect(words('train', file('method: moco\nqueue-size: 64\n'))).toEqual([
      'train',
      '--method=moco',
      '--queue-size=64',
    ]);
    expect(words('train --method byol', file('method: simclr\nlr: 1\n'))).toEqual([
      'train',
      '--lr=1',
      '--method',
      'byol',
    ]);
  });

  it('other commands: lists of numbers are one word, repeated options several', () => {
    expect(words('eval knn', file('k: [1, 5]\ncheckpoint: c\nfolds: true'))).toEqual([
      'eval',
      'knn',
      '--k=1,5',
      '--checkpoint=c',
      '--folds',
    ]);
    expect(words('search', file('query: [a.jpg, b.jpg]\njson: false'))).toEqual([
      'search',
      '--query=a.jpg',
      '--query=b.jpg',
    ]);
  });

  it('config.json of a run starts it again: settings that its method has, data, what was left out; not its device', () => {
    const settings = madeSettings({ temperature: 0.3 });
    const path = writeRun(join(folder, 'run'), settings, {
      exclude: ['*_small.jpg'],
      data: '/photos',
      adapter: 'Some GPU',
    });
    const given = words('train --out y', join(path, 'config.json'));
    expect(given).toEqual(
      expect.arrayContaining(['--temperature=0.3', '--data=/photos', '--exclude=*_small.jpg', '--optimizer=sgd']),
    );
    expect(given.join(' ')).not.toMatch(/adapter|images-digest|started/);
    const texts = writeRun(join(folder, 'texts'), madeSettings(), {
      settings: { method: 'simcse', imageSize: 96, lr: 1 },
    });
    expect(words('train', join(texts, 'config.json'))).toEqual([
      'train',
      '--method=simcse',
      '--lr=1',
      `--data=${texts}`,
    ]);
  });

  it.each([
    ['lrr: 1', "'lrr' is not an option of train, whose --help lists them"],
    ['config: x.yaml', "'config' is not an option of train"],
    ['lr: -1', 'lr must be above 0, not -1'],
    ['batch-size: 1', 'batch-size must be 2 or more, not 1'],
    ['lr: fast', "lr must be a number, not 'fast'"],
    ['method: nothing', "method: no method is named 'nothing'; there are simclr, "],
    ['lr: true', 'lr must be a number, not true'],
    ['lr:', 'lr has no value'],
    ['dry-run: 1', 'dry-run must be true or false'],
    ['data: [a, b]', 'data takes one value'],
    ['minutes: -3', "minutes cannot be '-3': Give a number above 0."],
    ['preset: cifar', 'preset cannot be'],
    ['settings:\n  lr: 1', "'settings' is not an option of train"],
    ['lr: 1\nlr: 2', 'not valid YAML (Map keys must be unique'],
    [
      '- a\n- b',
      'the content must be an object with named values, not a list of 2; give names of options and their values',
    ],
  ])('%s: one line that names the file', (text, message) => {
    const path = file(text);
    let told = '';
    try {
      words('train', path);
    } catch (error) {
      told = (error as Error).message;
    }
    expect(told).toContain(`${path}: ${message}`);
    expect(told).not.toContain('\n');
  });

  it('files that are none', () => {
    expect(() => words('train', join(folder, 'nowhere.yaml'))).toThrow(/cannot read .*nowhere\.yaml: no such file/);
    expect(() => words('train', 'run.toml')).toThrow(
      'run.toml: unknown extension for --config; supported: .yaml, .yml, .json',
    );
    expect(() => words('train', file('{', 'json'))).toThrow(/not valid JSON/);
    const twice = file('lr: 1');
    expect(() => words(`train --config ${twice}`, twice)).toThrow('--config: given twice; put all into one file');
  });
});
