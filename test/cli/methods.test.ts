/** `--method` and `simclr methods`: which flags there are, and what is said of those that are not. In the process of the test. */
import { CommanderError } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { givenSettings } from '../../src/cli/options.ts';
import { simclr } from '../../src/cli/program.ts';
import { kindOf } from '../../src/data/samples.ts';
import { allMethods } from '../../src/methods/index.ts';
import type { Method } from '../../src/ssl/method.ts';
import { flagOf, ownNames, parseSettings, parseValues } from '../../src/train/settings.ts';

afterEach(() => void vi.restoreAllMocks());

/** What a command line prints, and whether commander ended it. */
async function printed(...args: string[]): Promise<{ out: string; err: string; ended: boolean }> {
  const write = (stream: NodeJS.WriteStream) => {
    const parts: string[] = [];
    vi.spyOn(stream, 'write').mockImplementation((text) => parts.push(String(text)) > 0);
    return parts;
  };
  const [out, err] = [write(process.stdout), write(process.stderr)];
  const ended = await simclr(args)
    .parseAsync(args, { from: 'user' })
    .then(
      () => false,
      (error: unknown) => {
        if (error instanceof CommanderError) return true;
        throw error;
      },
    );
  return { out: out.join(''), err: err.join(''), ended };
}

describe('simclr methods', () => {
  it('is a table of all, with what they need and their defaults as flags', async () => {
    const { out } = await printed('methods');
    const words = out.replace(/\s+/g, ' ');
    expect(words).toContain('method source needs micro-batches defaults');
    for (const { name, paper } of allMethods()) expect(words).toContain(`${name} ${paper}`);
    expect(words).toContain('sequences yes --window 20480 --strides 5,4,2,2,2');
    expect(words).toContain('images yes --temperature 0.07 --embedding-dim 128 --head-depth 2');
    expect(words).toContain('labels no --supervised-augment crop-flip --mix none --mix-alpha 1 --split train');
    expect(words).toContain('--no-nesterov');
    expect(words).toContain('moco, moco-v2: MoCo v2');
  });

  it('as JSON has every setting', async () => {
    const { out } = await printed('methods', '--json');
    const all = JSON.parse(out) as Record<string, never>[];
    const [first, second] = ['simclr', 'supervised'].map((name) => all.find((method) => method['name'] === name)!);
    expect(first).toMatchObject({ name: 'simclr', needs: ['images'], microBatches: true });
    expect(all.find(({ name }) => name === 'clip')).toMatchObject({ needs: ['images', 'captions'] });
    expect(all.find(({ name }) => name === 'video-color')).toMatchObject({ needs: ['images', 'clips'] });
    expect(first['settings']).toMatchObject({ method: 'simclr', temperature: 0.07, lr: 1e-3, batchSize: 256 });
    expect(second).toMatchObject({ name: 'supervised', needs: ['images', 'labels'] });
    const own = second['own'] as readonly { flag: string }[];
    expect(own.map(({ flag }) => flag)).toEqual(['--supervised-augment', '--mix', '--mix-alpha']);
  });
});

describe('--method', () => {
  it.each(allMethods())('$name: help has its settings under its name, and none of other methods', async (method) => {
    const { out, ended } = await printed('train', `--method=${method.name}`, '--help');
    expect(ended).toBe(true);
    const [, own] = out.split(`Method ${method.name}:\n`);
    // A setting that is on by default is shown as the flag that turns it off.
    const shows = (text: string, name: string) => new RegExp(` --(no-)?${flagOf(name).slice(2)} `).test(text);
    for (const name of ownNames(method)) expect(shows(own, name), name).toBe(true);
    const others = allMethods()
      .flatMap(ownNames)
      .filter((name) => !ownNames(method).includes(name));
    for (const name of others) expect(shows(out, name), name).toBe(false);
    expect(out).not.toContain('--draw-every');
  });

  it('takes another name of a method, which is told from there on by its first', async () => {
    const train = simclr(['train']).commands.find((command) => command.name() === 'train')!;
    train.parseOptions(['--method', 'moco-v2']);
    expect(givenSettings(train.opts())).toEqual({ method: 'moco' });
    expect(parseSettings({ method: 'moco-v2' })).toEqual(parseSettings({ method: 'moco' }));
    expect((await printed('train', '--method', 'moco-v2', '--help')).out).toContain('Method moco:');
    expect(allMethods().filter(({ name }) => name.startsWith('moco')).length).toBe(2);
  });

  const names = (methods: readonly Method[]) => methods.map(({ name }) => name).join(', ');
  it('of no such name lists those that there are', async () => {
    const { err } = await printed('train', '--method', 'nope', '--data', 'x');
    expect(err).toContain(
      `'--method <name>' argument 'nope' is invalid. Allowed choices are ${names(allMethods())}.\n`,
    );
    const withoutLabels = allMethods().filter((method) => !method.needsLabels && kindOf(method) === 'images');
    expect((await printed('experiment', '--method', 'supervised')).err).toContain(
      `Allowed choices are ${names(withoutLabels)}.`,
    );
  });

  it('a flag of another method is refused, and it is said whose it is', async () => {
    const { err } = await printed('train', '--method', 'supervised', '--temperature', '1', '--data', 'x');
    const owners = allMethods().filter((method) => ownNames(method).includes('temperature'));
    expect(names(owners)).toContain('simclr, fncancel, moco, moco-v1');
    expect(err.split('\n')[0]).toBe(`error: unknown option '--temperature' (a setting of --method ${names(owners)})`);
    expect((await printed('train', '--nonsense', '1')).err).toMatch(/^error: unknown option '--nonsense'\n/);
  });

  it('switches are turned on and off, whichever is the default', async () => {
    const given = (...args: string[]) => {
      const train = simclr(['train', ...args]).commands.find((command) => command.name() === 'train')!;
      train.parseOptions(args);
      return givenSettings(train.opts());
    };
    expect(given('--method', 'moco', '--nesterov')).toEqual({ method: 'moco', nesterov: true });
    expect(given('--method', 'moco', '--no-nesterov')).toEqual({ method: 'moco', nesterov: false });
    expect(given('--method', 'moco', '--lr-milestones', '0.5')).toEqual({ method: 'moco', lrMilestones: '0.5' });
    expect(given('--method', 'moco')).toEqual({ method: 'moco' });
  });

  it('settings that contradict each other are told before anything is opened', () => {
    const given = (settings: object) => () => parseSettings({ method: 'moco', ...settings });
    expect(given({ queueSize: 100, batchSize: 32 })).toThrow(
      '--queue-size (100) must be a multiple of the 32 keys that a step adds: use 96 or 128',
    );
    expect(given({ symmetric: true, queueSize: 96, batchSize: 32 })).toThrow('of the 64 keys');
    expect(given({ batchNormSplits: 3, batchSize: 32 })).toThrow(
      '--batch-norm-splits (3) must divide --batch-size (32) into parts of 2 images or more',
    );
    expect(given({ batchNormSplits: 8, batchSize: 8 })).toThrow('parts of 2 images or more');
    expect(given({ schedule: 'step', lrMilestones: 'half' })).toThrow('--lr-milestones must be shares of the run');
    expect(() => parseSettings({ headOutputBatchNorm: true })).toThrow(
      '--head-output-batch-norm is only used with --head-batch-norm; add it',
    );
    // Before the device is known, defaults are not: each value alone.
    expect(() => parseValues({ method: 'moco', queueSize: 100 })).not.toThrow();
    expect(() => parseValues({ method: 'moco', queueSize: -1 })).toThrow('--queue-size must be 2 or more');
  });
});
