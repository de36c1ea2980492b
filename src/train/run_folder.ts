import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { checked, readJson } from '../data/checked.ts';
import { appendLine, ensureWritableDir, isRunning, truncateJsonLines, writeFileAtomic } from '../data/files.ts';
import { UserError } from '../errors.ts';
import { parseSettings, type TrainSettings } from './settings.ts';

/** What `config.json` holds: all that is needed to continue the run, and to know where it ran. */
export interface RunConfig {
  readonly version: 1;
  /** The folder given with `--data`. */
  readonly data: string;
  readonly settings: TrainSettings;
  readonly images: number;
  readonly adapter: string;
  readonly started: string;
}

const configSchema = z.object({
  version: z.literal(1),
  data: z.string(),
  settings: z.unknown(),
  images: z.number().int().min(1),
  adapter: z.string(),
  started: z.string(),
});

/** One line of `metrics.jsonl`. Lines of a step and of an epoch carry the number of steps done. */
export type MetricsRecord = Readonly<Record<string, unknown>> & {
  readonly type: 'probe' | 'step' | 'epoch';
  readonly step: number;
};

const checkpointName = /^step-(\d{8})\.safetensors$/;

/**
 * The folder of a run: `config.json`, `metrics.jsonl`, `checkpoints/step-00000390.safetensors`, `figures/*.png`. Whatever is
 * replaced is replaced in one step, so a run that is killed leaves a folder that it can continue from.
 */
export class RunFolder {
  constructor(readonly path: string) {}

  /** Makes the folder of a new run. UserError: a run is in it already, or it cannot be written. */
  static create(path: string, config: RunConfig): RunFolder {
    RunFolder.checkFree(path);
    const folder = new RunFolder(path);
    rmSync(folder.file('metrics.jsonl'), { force: true });
    mkdirSync(folder.file('checkpoints'), { recursive: true });
    mkdirSync(folder.file('figures'), { recursive: true });
    writeFileAtomic(folder.file('config.json'), `${JSON.stringify(config, null, 2)}\n`);
    return folder;
  }

  /** UserError: the folder cannot be written, or a run is in it. One that never got to its first checkpoint does not count. */
  static checkFree(path: string): void {
    if (new RunFolder(path).checkpointSteps().length > 0) {
      throw new UserError(`${path}: holds a run already; continue it with --resume ${path}, or choose another --out`);
    }
    ensureWritableDir(path);
  }

  /** Keeps other processes from writing to the folder. Returns what gives it free again. UserError: one is writing. */
  lock(): () => void {
    const file = this.file('run.lock');
    const holder = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
    if (holder > 0 && holder !== process.pid && isRunning(holder)) {
      throw new UserError(`${this.path}: process ${holder} is training in this folder; wait for it or stop it`);
    }
    writeFileAtomic(file, String(process.pid));
    return () => rmSync(file, { force: true });
  }

  /** Opens the folder of a run to continue it. UserError: no run is there, or its config does not hold. */
  static open(path: string): { folder: RunFolder; config: RunConfig } {
    const folder = new RunFolder(path);
    const file = folder.file('config.json');
    if (!existsSync(file))
      throw new UserError(
        `${path}: no config.json is there, so there is no run to resume; start one with --out ${path}`,
      );
    const remedy = 'restore the file or start a new run';
    const config = checked(configSchema, readJson(file, remedy), { source: file, remedy });
    ensureWritableDir(path);
    return { folder, config: { ...config, settings: parseSettings(config.settings, file, (name) => name) } };
  }

  file(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  /** Steps of the checkpoints that are there, ascending. */
  checkpointSteps(): number[] {
    const folder = this.file('checkpoints');
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .map((name) => checkpointName.exec(name))
      .filter((match) => match !== null)
      .map((match) => Number(match[1]))
      .sort((a, b) => a - b);
  }

  checkpointFile(step: number): string {
    return this.file('checkpoints', `step-${String(step).padStart(8, '0')}.safetensors`);
  }

  /** Removes all but the newest `keep` checkpoints. */
  prune(keep: number): void {
    for (const step of this.checkpointSteps().slice(0, -keep)) rmSync(this.checkpointFile(step), { force: true });
  }

  log(record: MetricsRecord): void {
    appendLine(this.file('metrics.jsonl'), record);
  }

  /** Drops the lines of steps after `step`: they will be run again. */
  rewindMetrics(step: number): void {
    const file = this.file('metrics.jsonl');
    // What was logged before the first step is logged again where that is run again.
    const keep = (record: object) => step > 0 && (record as MetricsRecord).step <= step;
    if (existsSync(file)) truncateJsonLines(file, keep);
  }

  figure(name: string, png: Uint8Array): void {
    writeFileAtomic(this.file('figures', name), png);
  }
}
