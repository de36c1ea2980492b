import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { appendLine, ensureWritableDir, truncateJsonLines, writeFileAtomic } from '../data/files.ts';
import { messageOf, UserError } from '../errors.ts';
import { parseSettings, type TrainSettings } from './settings.ts';

/** What `config.json` holds: all that is needed to continue the run, and to know where it ran. */
export interface RunConfig {
  readonly version: 1;
  /** The folder or file given with `--data`. */
  readonly data: string;
  readonly settings: TrainSettings;
  readonly images: number;
  readonly adapter: string;
  readonly started: string;
}

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
    const folder = new RunFolder(path);
    if (existsSync(folder.file('config.json'))) {
      throw new UserError(`${path}: holds a run already; continue it with --resume ${path}, or choose another --out`);
    }
    ensureWritableDir(path);
    mkdirSync(folder.file('checkpoints'), { recursive: true });
    mkdirSync(folder.file('figures'), { recursive: true });
    writeFileAtomic(folder.file('config.json'), `${JSON.stringify(config, null, 2)}\n`);
    return folder;
  }

  /** Opens the folder of a run to continue it. UserError: no run is there, or its config does not hold. */
  static open(path: string): { folder: RunFolder; config: RunConfig } {
    const folder = new RunFolder(path);
    const file = folder.file('config.json');
    if (!existsSync(file))
      throw new UserError(
        `${path}: no config.json is there, so there is no run to resume; start one with --out ${path}`,
      );
    let config: RunConfig;
    try {
      config = JSON.parse(readFileSync(file, 'utf8')) as RunConfig;
    } catch (error) {
      throw new UserError(`${file}: is not JSON (${messageOf(error)}); restore it or start a new run`);
    }
    if (config?.version !== 1) throw new UserError(`${file}: is not a run of this version; start a new run`);
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
    if (existsSync(file)) truncateJsonLines(file, (record) => (record as MetricsRecord).step <= step);
  }

  figure(name: string, png: Uint8Array): void {
    writeFileAtomic(this.file('figures', name), png);
  }
}
