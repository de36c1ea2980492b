import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Pace, progressText } from '../../src/cli/progress.ts';
import { Terminal } from '../../src/cli/terminal.ts';
import { fitTable } from '../../src/report/fit_table.ts';
import { columnsOf, cut, fold, foldCommand } from '../../src/report/fold.ts';
import { table } from '../../src/report/tables.ts';

const widths = [80, 60, 40];
const widest = (text: string): number => Math.max(...text.split('\n').map(columnsOf));

afterEach(() => {
  Terminal.clear();
  vi.useRealTimers();
});

/** A terminal that keeps what is written to it, escapes as ␛. */
function fakeScreen({ columns = 80, isTTY = true, env = {} as NodeJS.ProcessEnv } = {}) {
  const screen = {
    isTTY,
    columns,
    written: '',
    write(text: string) {
      this.written += text.replaceAll('\x1b', '␛');
    },
  };
  return { screen, terminal: new Terminal(screen, env) };
}

describe('lines', () => {
  it.each([
    ['data       STL-10 files in data/stl10: 4,000 images of 32×32', 11],
    ['epoch  3/10  loss 3.214  acc 12.3 %  kNN 25.4 %  lr 0.0005  48 img/s', 7],
    ['           "a/b.jpg": unsupported image format, unsupported image format', 11],
    ['The published order, transfer > frozen > baseline, does not hold here: best is baseline', 2],
  ])('%s', (text, indent) => {
    const lines = fold(text, 40).split('\n');
    expect(widest(lines.join('\n'))).toBeLessThanOrEqual(40);
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines.slice(1)) expect(line).toMatch(new RegExp(`^ {${indent}}\\S`));
    expect(lines.join(' ').replaceAll(/ +/g, ' ')).toBe(text.replaceAll(/ +/g, ' '));
  });

  it('keep values with their units, and words that are too long in one piece', () => {
    expect(fold('kNN  12.3 % of all', 13)).toBe('kNN  12.3 %\n     of all');
    const path = 'runs/'.repeat(20);
    expect(fold(`checkpoint ${path}`, 40)).toContain(path);
  });

  it('go below their label where a word has no room beside it', () => {
    const word = 'w'.repeat(30);
    expect(fold(`features used   a, ${word}`, 40)).toBe(`features used\n  a, ${word}`);
    expect(fold(`${' '.repeat(12)}a, ${word}`, 40)).toBe(`  a, ${word}`);
  });

  it('any text: nothing is lost, nothing is wider, words that are too long apart', () => {
    const word = fc.stringMatching(/^([a-zé×.]|[a-z]%){1,12}$/);
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), fc.integer({ min: 40, max: 100 }), (words, width) => {
        const folded = fold(words.join(' '), width);
        expect(folded.split(/\s+/)).toEqual(words);
        expect(widest(folded)).toBeLessThanOrEqual(width);
      }),
    );
  });

  it('commands are broken before flags by backslashes', () => {
    const words = ['npm run simclr --', 'eval', 'neighbors', '--checkpoint', 'runs/a', '--data', "'my photos'"];
    expect(foldCommand('  ', words, 50)).toBe(
      "  npm run simclr -- eval neighbors \\\n    --checkpoint runs/a --data 'my photos'",
    );
    expect(foldCommand('settings   ', ['--lr', '0.1', '--head-batch-norm', '--seed', '2'], 40)).toBe(
      'settings   --lr 0.1 --head-batch-norm \\\n           --seed 2',
    );
  });

  it('on no terminal: 80 columns, or COLUMNS', () => {
    const text = 'abc '.repeat(40).trim();
    for (const [env, width] of [
      [{}, 77],
      [{ COLUMNS: '50' }, 49],
    ] as const) {
      const { screen, terminal } = fakeScreen({ isTTY: false, columns: undefined, env });
      terminal.line(text);
      expect(widest(screen.written)).toBe(width);
    }
  });
});

describe('widths', () => {
  it.each([
    ['猫の写真.jpg', 12],
    ['고양이', 6],
    ['👩‍👩‍👧 🇩🇪', 5],
    ['cafe\u0301', 4],
    ['β × ½ – … █░', 12],
  ])('%s takes %i columns', (text, columns) => expect(columnsOf(text)).toBe(columns));

  it('lines of wide letters are broken in time, and tables stay straight', () => {
    const folded = fold(`skipped    ${'写真の猫 '.repeat(12).trim()}`, 40);
    expect(folded.split('\n')[1]).toMatch(/^ {11}写/);
    expect(widest(folded)).toBeLessThanOrEqual(40);
    const rows = ['猫の写真', 'e\u0301te\u0301', 'plain'].map((name) => [name, name]);
    const text = fitTable(['image', 'class'], rows, 80);
    expect(new Set(text.split('\n').map(columnsOf))).toEqual(new Set([18]));
  });

  it('a name is cut between letters', () => {
    expect(cut('猫の写真', 5)).toBe('猫の');
    expect(cut('ae\u0301b', 2)).toBe('ae\u0301');
    expect(cut('👩‍👩‍👧👩‍👩‍👧', 3)).toBe('👩‍👩‍👧');
  });
});

describe('tables', () => {
  const header = ['model', 'train accuracy / %', 'test accuracy − baseline / points', 'best test accuracy / % (epoch)'];
  const rows = [
    ['transferred, all layers trained', '100.00 ± 0.01', '+12.30 ± 0.20', '71.10 (12)'],
    ['– published', '100.00', '', '70.20 (8)'],
  ];

  it.each(widths)('%i columns: titles are broken, then the table is cut', (width) => {
    const text = fitTable(header, rows, width);
    expect(widest(text)).toBeLessThanOrEqual(width);
    for (const cell of rows.flat().filter((one) => !one.includes(' '))) expect(text).toContain(cell);
    expect(text.split('\n\n')).toHaveLength({ 80: 1, 60: 2, 40: 3 }[width]!);
  });

  it('without room for two columns each row is a line of its own, folded', () => {
    const name = 'a'.repeat(30);
    expect(
      fitTable(
        ['limit', 'value'],
        [
          [name, '16'],
          ['b', '2147483644'],
        ],
        40,
      ),
    ).toBe(`limit  value\n${name}  16\nb  2147483644`);
  });

  it('one that fits is left as it is', () => {
    expect(fitTable(header, rows, 200)).toBe(table(header, rows));
  });
});

describe('the bar', () => {
  const progress = {
    ...{ task: 'epoch  3/10', done: 62, total: 500, count: '62/500', secondsLeft: 133 },
    notes: ['48.0 img/s', 'loss 3.214', 'acc 12.3 %'],
  };

  it('says epoch, images a second and when it ends', () => {
    expect(progressText(progress, 79)).toBe(
      'epoch  3/10  █░░░░░░░░░░░  62/500  48.0 img/s  loss 3.214  acc 12.3 %  ETA 2:13',
    );
  });

  it('leaves out what matters least', () => {
    expect(progressText(progress, 59)).toBe('epoch  3/10  █░░░░░░░░░░░░░░░  62/500  48.0 img/s  ETA 2:13');
    expect(progressText(progress, 39)).toBe('epoch  3/10  ░░░░░░░░  62/500  ETA 2:13');
    expect(progressText(progress, 22)).toBe('epoch  3/10  ETA 2:13');
    expect(progressText(progress, 79, { bar: false })).not.toMatch(/[█░]/);
  });

  it('never takes more columns than there are', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.nat(1e6), fc.nat(1e6), (width, done, total) => {
        const text = progressText({ ...progress, done, total, count: `${done}/${total}`, secondsLeft: done }, width);
        expect([...text].length).toBeLessThanOrEqual(width);
      }),
    );
  });

  it('the pace is that of the steps, the time left that of steps and pauses', () => {
    const pace = new Pace();
    let time = 0;
    pace.report(0, time);
    expect(pace.perSecond()).toBeUndefined();
    for (let step = 1; step <= 20; step++) pace.report(step, (time += step % 10 === 0 ? 10_500 : 500));
    expect(pace.perSecond()).toBe(2);
    expect(pace.secondsLeft(40, time)).toBeCloseTo(30);
    expect(pace.secondsLeft(40, time + 2000)).toBeCloseTo(28);
    expect(pace.secondsLeft(40, time + 1e6)).toBe(0);
  });

  it('is drawn again below each line, and taken away at the end', () => {
    const { screen, terminal } = fakeScreen();
    terminal.progress('epoch 1/1', 1, 4);
    expect(screen.written).toMatch(/^\repoch 1\/1 {2}█+░+ {2}1\/4␛\[K$/);
    terminal.line('a line');
    expect(screen.written).toMatch(/K\r␛\[Ja line\n\repoch 1\/1.*␛\[K$/);
    terminal.progress('epoch 1/1', 4, 4);
    expect(screen.written).toMatch(/␛\[K\r␛\[J$/);
  });

  it('narrower window: the rows that the old bar takes there are removed; xterm, which cuts it, is spared that', () => {
    vi.useFakeTimers();
    for (const [env, erased] of [
      [{}, '␛[1A\r␛[J'],
      [{ XTERM_VERSION: 'XTerm(379)' }, '\r␛[J'],
    ] as const) {
      const { screen, terminal } = fakeScreen({ env });
      terminal.progress('epoch 1/1', 1, 4, { notes: ['loss 3.214'.padEnd(45)] });
      expect([...screen.written].length).toBeGreaterThan(60);
      Object.assign(screen, { columns: 40, written: '' });
      vi.advanceTimersByTime(1000);
      expect(screen.written.startsWith(erased)).toBe(true);
      expect([...screen.written.slice(erased.length)].length).toBeLessThan(40);
      terminal.clear();
    }
  });

  it('TERM=dumb and pipes get a line now and then, NO_COLOR a bar; none of them an escape', () => {
    vi.useFakeTimers();
    const print = (options: Parameters<typeof fakeScreen>[0]) => {
      const { screen, terminal } = fakeScreen(options);
      for (let step = 1; step <= 100; step++) {
        vi.advanceTimersByTime(1000);
        terminal.progress('epoch 1/1', step, 100, { rate: (perSecond) => `${8 * perSecond} img/s` });
        if (step === 50) terminal.line('a line');
      }
      expect(screen.written).not.toContain('␛');
      return screen.written;
    };
    const lines = print({ env: { TERM: 'dumb' } });
    expect(
      lines.split('\n').filter((line) => /^ {2}epoch 1\/1 {2}\d+\/100 {2}8 img\/s {2}ETA \d:\d\d$/.test(line)),
    ).toHaveLength(4);
    expect(print({ isTTY: false })).toBe(lines);
    const bar = print({ env: { NO_COLOR: '1' } });
    expect(bar).toMatch(/\repoch 1\/1 {2}█+░+ {2}99\/100 {2}8 img\/s {2}ETA 0:0\d *\r +\r$/);
  });
});
