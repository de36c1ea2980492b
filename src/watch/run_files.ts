/** What a run's folder holds beside its numbers: pictures, checkpoints, marks of its end, and its lock. */
import { createHash } from 'node:crypto';
import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { holderOf } from '../io/folder_lock.ts';
import type { FigureKind } from './wire.ts';

/** `similarity-step-00000390.png` */
const figureName = /^([\w.-]+)-step-(\d+)\.png$/;
const checkpointName = /^step-(\d+)\.safetensors$/;

/** Pictures by kind, and within it by step. A link is none. */
export async function figuresIn(run: string): Promise<FigureKind[]> {
  const folder = join(run, 'figures');
  const kinds = new Map<string, FigureKind['stages'][number][]>();
  for (const entry of await entries(folder)) {
    const match = entry.isFile() ? figureName.exec(entry.name) : null;
    if (!match) continue;
    const version = await versionOf(join(folder, entry.name));
    if (version === '') continue; // gone meanwhile
    const [file, kind, step] = match;
    kinds.set(kind, [...(kinds.get(kind) ?? []), { step: Number(step), file, version }]);
  }
  return [...kinds.entries()]
    .map(([name, stages]) => ({ name, stages: stages.sort((a, b) => a.step - b.step) }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

/** What stands for a folder in an address: always the same, and not the way to it. */
export const idOf = (path: string): string => createHash('sha256').update(path).digest('hex').slice(0, 12);

/** Whether a name may be that of a picture in a run's folder. */
export const isFigureName = (name: string): boolean => figureName.test(name);

/** Differs from that of what was in the file before; empty: there is none. */
export async function versionOf(file: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await lstat(file);
    return `${Math.round(mtimeMs)}-${size}-${ino}`;
  } catch {
    return '';
  }
}

/** What tells how a run ended. */
export interface EndMarks {
  /** Who holds the folder: see `holderOf`. */
  readonly holder: ReturnType<typeof holderOf>;
  /** A stage of an experiment, or a supervised training, says itself that it has ended. */
  readonly declared: boolean;
  /** The step of the newest checkpoint; null: there is none whose name has a step. */
  readonly checkpointStep: number | null;
  /** The checkpoint of a supervised training was written after the last line. */
  readonly savedLast: boolean;
}

/** @param lastLine when the last line was written, in milliseconds */
export async function endMarks(run: string, lastLine: number): Promise<EndMarks> {
  const saved = await mtime(join(run, 'checkpoint.safetensors'));
  const ended = await Promise.all(['finished.json', 'result.json'].map((name) => mtime(join(run, name))));
  const steps = (await entries(join(run, 'checkpoints'))).flatMap(({ name }) => {
    const match = checkpointName.exec(name);
    return match ? [Number(match[1])] : [];
  });
  return {
    holder: holderOf(run),
    declared: ended.some((time) => time !== undefined),
    checkpointStep: steps.length > 0 ? Math.max(...steps) : null,
    savedLast: saved !== undefined && saved >= lastLine,
  };
}

async function mtime(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).mtimeMs;
  } catch {
    return undefined;
  }
}

async function entries(folder: string) {
  try {
    return (await lstat(folder)).isDirectory() ? await readdir(folder, { withFileTypes: true }) : [];
  } catch {
    return [];
  }
}
