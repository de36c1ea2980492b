/** Commands run in this process, whose devices are lost while they work. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Command } from 'commander';
import { vi } from 'vitest';
import { Terminal } from '../../src/cli/terminal.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { steps } from '../cli/run.ts';

const opened = new Set<Gpu>();
const openGpu = Gpu.open.bind(Gpu);
Gpu.open = async (options) => {
  const gpu = await openGpu(options);
  opened.add(gpu);
  return gpu;
};

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Ends what the end of a process would end. */
function end(before: ReadonlyMap<(typeof signals)[number], readonly unknown[]>): void {
  for (const gpu of opened) gpu.destroy();
  opened.clear();
  for (const [name, listeners] of before) {
    for (const listener of process.listeners(name)) if (!listeners.includes(listener)) process.off(name, listener);
  }
}

/** Runs a command in this process. @returns what it printed */
export async function called(command: Command, ...args: string[]): Promise<string> {
  let out = '';
  const listeners = new Map(signals.map((name) => [name, process.listeners(name)] as const));
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text;
    return true;
  });
  try {
    await command.parseAsync(args, { from: 'user' });
  } finally {
    write.mockRestore();
    end(listeners);
  }
  return out;
}

/** Destroys the device of each of these numbers when its run has logged so many steps. */
export function loseDevices(path: string, after: readonly number[]): { opened: () => number } {
  const open = Gpu.open.bind(Gpu);
  let opened = 0;
  vi.spyOn(Gpu, 'open').mockImplementation(async (options) => {
    const gpu = await open(options);
    const at = after[opened++];
    if (at !== undefined) void destroyAt(gpu, path, at);
    return gpu;
  });
  return { opened: () => opened };
}

async function destroyAt(gpu: Gpu, path: string, step: number): Promise<void> {
  const logged = (): number => {
    try {
      return steps(path).length;
    } catch {
      return 0; // there is no log yet, or a line is being written
    }
  };
  while (logged() < step) await new Promise((wake) => setTimeout(wake, 1));
  gpu.device.destroy();
}

/** How often a command has asked its devices for a buffer, or to read one. */
export interface Calls {
  total: number;
  /** The stage that was told last, `stage 2/6`; empty before the first. */
  stage: string;
  /** Calls in each stage since it was told. */
  readonly inStage: Map<string, number>;
  /** Devices that were asked. */
  devices: number;
}

/** Destroys a device just before such calls as `when` chooses. */
export function loseDevicesWhen(when: (calls: Calls) => boolean): Calls {
  const { createBuffer, mapForReading } = Gpu.prototype;
  const { line } = Terminal.prototype;
  const calls: Calls = { total: 0, stage: '', inStage: new Map(), devices: 0 };
  const seen = new WeakSet<Gpu>();
  const note = (gpu: Gpu) => {
    if (!seen.has(gpu)) calls.devices++;
    seen.add(gpu);
    calls.total++;
    calls.inStage.set(calls.stage, (calls.inStage.get(calls.stage) ?? 0) + 1);
    if (when(calls)) gpu.device.destroy();
  };
  vi.spyOn(Gpu.prototype, 'createBuffer').mockImplementation(function (this: Gpu, ...args) {
    note(this);
    return createBuffer.apply(this, args);
  });
  vi.spyOn(Gpu.prototype, 'mapForReading').mockImplementation(function (this: Gpu, ...args) {
    note(this);
    return mapForReading.apply(this, args);
  });
  vi.spyOn(Terminal.prototype, 'line').mockImplementation(function (this: Terminal, text = '') {
    calls.stage = /^stage \S+/.exec(text)?.[0] ?? calls.stage;
    if (text.startsWith('stage')) calls.inStage.delete(calls.stage);
    line.call(this, text);
  });
  return calls;
}

const digest = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

/** Of a record: all but times, and what depends on where its folder is and which process wrote it. */
const lasting = (key: string, value: unknown): unknown =>
  /seconds$|imagesPerSecond|checkpoint$|^started$|^time$|^memory$/i.test(key) ? undefined : value;

function contentOf(file: string): unknown {
  if (!/\.jsonl?$/.test(file)) return digest(file);
  const text = readFileSync(file, 'utf8').trim();
  return (file.endsWith('.jsonl') ? text.split('\n') : [text]).map((line) => JSON.parse(line, lasting));
}

/** All that lasts of the files of an experiment or an evaluation, by name. */
export const filesOf = (folder: string): Record<string, unknown> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => relative(folder, join(parentPath, name)))
      // The report tells how long all took; a figure that was drawn again has two lines, of which the last counts.
      .filter((name) => !/report\.(md|html)$|similarity\.jsonl$/.test(name))
      .sort()
      .map((name) => [name, contentOf(join(folder, name))]),
  );
