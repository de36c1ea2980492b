/** `metrics.jsonl` is followed while it is written, cut, taken back and replaced. */
import { appendFileSync, renameSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { MetricsFile } from '../../src/watch/metrics_file.ts';
import { scratchFolder } from '../cli/run.ts';

const folder = scratchFolder();
let file: string;
let steps: number[];
let damaged: number;
let follower: MetricsFile;
let number = 0;

beforeEach(() => {
  file = join(folder, `${number++}.jsonl`);
  steps = [];
  damaged = 0;
  follower = new MetricsFile(file, {
    restart: () => (steps = []),
    line: ({ step }) => steps.push(Number(step)),
    damaged: () => damaged++,
  });
});

const line = (step: number, more = '') => `{"type":"step","step":${step}${more}}\n`;
const write = (text: string) => appendFileSync(file, text);
const follow = async () => {
  await follower.follow();
  return steps;
};

it('tells what is new, each line once', async () => {
  expect(await follow()).toEqual([]); // not there yet
  write(line(1) + line(2));
  expect(await follow()).toEqual([1, 2]);
  const { version } = follower;
  expect(await follow()).toEqual([1, 2]);
  expect(follower.version).toBe(version);
  write(line(3));
  expect(await follow()).toEqual([1, 2, 3]);
  expect(follower.version).not.toBe(version);
});

it('waits for the end of a line, whose bytes may come in the middle of a letter', async () => {
  const bytes = Buffer.from(line(2, ',"message":"größer"'));
  const half = bytes.indexOf(Buffer.from('ö')) + 1;
  write(line(1));
  appendFileSync(file, bytes.subarray(0, half));
  expect(await follow()).toEqual([1]);
  appendFileSync(file, bytes.subarray(half));
  expect(await follow()).toEqual([1, 2]);
  expect(damaged).toBe(0);
});

it('a line that was cut by a crash is taken back by the next process, and read when it is whole', async () => {
  write(line(1));
  const whole = statSync(file).size;
  write('{"type":"step","st');
  expect(await follow()).toEqual([1]);
  truncateSync(file, whole);
  write(line(2));
  expect(await follow()).toEqual([1, 2]);
});

it('passes over damaged lines, and counts them', async () => {
  write(`${line(1)}{"type":"st\n[1]\nnull\n{"type":"step"}\n\n${line(2)}`);
  expect(await follow()).toEqual([1, 2]);
  expect(damaged).toBe(4);
});

it('begins again where the file is replaced, as when a run resumes', async () => {
  write([1, 2, 3, 4].map((step) => line(step)).join(''));
  await follow();
  writeFileSync(`${file}.new`, line(1) + line(2));
  renameSync(`${file}.new`, file);
  write(line(3, ',"loss":1') + line(4, ',"loss":1') + line(5, ',"loss":1'));
  expect(await follow()).toEqual([1, 2, 3, 4, 5]);
});

it('begins again where the file is written anew in its place, longer than it was', async () => {
  write(line(1) + line(2));
  await follow();
  writeFileSync(file, [7, 8, 9, 10].map((step) => line(step)).join(''));
  expect(await follow()).toEqual([7, 8, 9, 10]);
});

it('a file that is removed has no lines', async () => {
  write(line(1));
  await follow();
  rmSync(file);
  expect(await follow()).toEqual([]);
  write(line(4));
  expect(await follow()).toEqual([4]);
});

it('reads a long file in pieces, and a line that is longer than a piece', async () => {
  const many = Array.from({ length: 40_000 }, (_, i) => line(i + 1, `,"note":"${'x'.repeat(40)}"`)).join('');
  write(many + line(40_001, `,"note":"${'y'.repeat(3 << 20)}"`) + line(40_002));
  expect(await follow()).toHaveLength(40_002);
  expect(damaged).toBe(0);
  write(line(40_003));
  expect((await follow()).at(-1)).toBe(40_003);
});

it('does not read through a symbolic link', async () => {
  writeFileSync(`${file}.secret`, line(1));
  symlinkSync(`${file}.secret`, file);
  expect(await follow()).toEqual([]);
});
