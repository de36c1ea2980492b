import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type ListedFile, writeInventory } from '../data/inventory.ts';
import { checkResultsPlace, markResults, resultsMarker } from '../data/results_folder.ts';
import { UserError } from '../errors.ts';
import { guarded } from '../io/file_errors.ts';
import {
  appendLine,
  checkWritableDir,
  ensureWritableDir,
  removeEmptyFolders,
  truncateJsonLines,
  writeFileAtomic,
} from '../io/files.ts';
import { checkUnlocked, lockFolder } from '../io/folder_lock.ts';
import { readRecords } from '../io/json_files.ts';
import type { Learner } from '../ssl/method.ts';
import { type MetricsLog, type MetricsRecord, metricsRecord } from './metrics_record.ts';
import { ReplacedRun } from './replaced_run.ts';
import { type RunConfig, readRunConfig } from './run_config.ts';

const checkpointName = /^step-(\d{8})\.safetensors$/;

/** What a method declares of the numbers that it logs. */
export type Legend = Pick<Learner, 'metrics' | 'chance'>;

/**
 * The folder of a run: `config.json`, `images.jsonl`, `metrics.jsonl`, `legend.json`, `checkpoints/step-00000390.safetensors`, `figures/*.png`.
 * Whatever is replaced is replaced in one step, so a run that is killed leaves a folder that it can continue from.
 */
export class RunFolder {
  private release: (() => void) | undefined;
  /** Folders that `create` made, outermost first; undefined: the run was there before. */
  private made: readonly string[] | undefined;
  /** A former run that `create` set aside. */
  private replaced: ReplacedRun | undefined;
  /** What keeps the numbers beside `metrics.jsonl`. */
  private logs: readonly MetricsLog[] = [];

  constructor(readonly path: string) {}

  /** Whether this process writes to it. */
  get isKept(): boolean {
    return true;
  }

  /**
   * Makes and locks the folder of a new run.
   * @param files what the images were read from
   * @param overwrite whether a run that is in it is set aside: `begin` removes it, `discard` brings it back
   * @throws UserError a run is in it already, another process uses it, or it cannot be written; then nothing is changed
   */
  static create(
    path: string,
    config: RunConfig,
    files: readonly ListedFile[] = [],
    { overwrite = false } = {},
  ): RunFolder {
    checkResultsPlace(path);
    const folder = new RunFolder(path);
    const made = ensureWritableDir(path);
    try {
      folder.lock();
      if (overwrite) folder.replaced = ReplacedRun.setAside(path);
      folder.checkEmpty();
      rmSync(folder.file('metrics.jsonl'), { force: true });
      mkdirSync(folder.file('checkpoints'), { recursive: true });
      mkdirSync(folder.file('figures'), { recursive: true });
      markResults(path);
      if (files.length > 0) writeInventory(path, files);
      folder.writeConfig(config);
    } catch (error) {
      folder.replaced?.bringBack();
      folder.unlock();
      removeEmptyFolders(made);
      throw error;
    }
    folder.made = made;
    return folder;
  }

  /** The run has been prepared and will train: what it replaces goes. */
  begin(): void {
    this.replaced?.drop();
    this.replaced = undefined;
  }

  /** Opens the run in a folder to continue it, or makes the folder of a new one. UserError: as `open` and `create`. */
  static openOrCreate(path: string, config: Omit<RunConfig, 'version' | 'started'>): RunFolder {
    if (existsSync(join(path, 'config.json'))) return RunFolder.open(path).folder;
    return RunFolder.create(path, { version: 1, ...config, started: new Date().toISOString() });
  }

  /**
   * Throws as `create` will, and changes nothing: what takes long comes between the two.
   * @throws UserError also where `overwrite` is to replace what is no run
   */
  static checkFree(path: string, { overwrite = false } = {}): void {
    if (overwrite) new RunFolder(path).checkIsRun();
    else new RunFolder(path).checkEmpty();
    checkUnlocked(path);
    checkResultsPlace(path);
    checkWritableDir(path);
  }

  /** UserError: a run is in the folder. One that never got to its first checkpoint does not count. */
  private checkEmpty(): void {
    if (this.checkpointSteps().length === 0) return;
    const { path } = this;
    throw new UserError(
      `${path}: already contains a run; continue it with --resume ${path}, replace it with --overwrite, or choose another --out`,
    );
  }

  /** UserError: the folder has something in it, and no run. One that is not there, or empty, will do. */
  private checkIsRun(): void {
    const { path } = this;
    if (!existsSync(path) || guarded('read', path, () => readdirSync(path)).length === 0) return;
    if (!existsSync(this.file('config.json')))
      throw new UserError(`${path}: holds no run, and --overwrite replaces runs only; choose another --out`);
    readRunConfig(path, this.file('config.json'));
  }

  /** Opens and locks the folder of a run to continue it. UserError: no run is there, its config is damaged, or it is in use. */
  static open(path: string): { folder: RunFolder; config: RunConfig } {
    const folder = new RunFolder(path);
    const config = readRunConfig(path, folder.file('config.json'));
    folder.lock();
    return { folder, config };
  }

  /** Keeps other processes from writing to the folder until the returned function is called, or the process ends. */
  lock(): () => void {
    this.release ??= lockFolder(this.path);
    return () => this.unlock();
  }

  unlock(): void {
    this.release?.();
    this.release = undefined;
    for (const log of this.logs) log.close();
  }

  /** Takes back what `create` made, because the run was refused before its first step. A run that was there before only gets unlocked. */
  discard(): void {
    if (this.replaced) {
      this.replaced.bringBack();
      this.replaced = undefined;
      this.unlock();
      return;
    }
    const mine = this.made ? ['config.json', 'images.jsonl', 'kernels.json', resultsMarker] : [];
    for (const name of mine) rmSync(this.file(name), { force: true });
    if (this.made) removeEmptyFolders([this.file('checkpoints'), this.file('figures')]);
    this.unlock();
    removeEmptyFolders(this.made ?? []);
  }

  writeConfig(config: RunConfig): void {
    writeFileAtomic(this.file('config.json'), `${JSON.stringify(config, null, 2)}\n`);
  }

  /** Keeps what the numbers in `metrics.jsonl` are, for whoever shows them. */
  writeLegend(legend: Legend): void {
    writeFileAtomic(this.file('legend.json'), `${JSON.stringify(legend, null, 2)}\n`);
  }

  file(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  /** Steps of the checkpoints that are there, ascending. */
  checkpointSteps(): number[] {
    const folder = this.file('checkpoints');
    if (!existsSync(folder)) return [];
    return guarded('read', folder, () => readdirSync(folder))
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

  /** Appends a line, with the time: seconds since 1970, as in `Date.now() / 1000`. */
  log(record: MetricsRecord): void {
    const timed = { ...record, time: Date.now() / 1000 };
    appendLine(this.file('metrics.jsonl'), timed);
    for (const log of this.logs) log.record(timed);
  }

  /** Has the numbers kept by these too, from the next `rewindMetrics` on. */
  logTo(logs: readonly MetricsLog[]): void {
    this.logs = logs;
  }

  /** What was logged, without a last line that was cut. UserError: a line is damaged. */
  records(): readonly MetricsRecord[] {
    const file = this.file('metrics.jsonl');
    return existsSync(file) ? readRecords(metricsRecord, file, 'restore the file, or remove that line') : [];
  }

  /** The last step that was logged; 0: none was. */
  loggedSteps(): number {
    return this.records().reduce((last, { step }) => Math.max(last, step), 0);
  }

  /** Drops the lines of steps after `step`: they will be run again. */
  rewindMetrics(step: number): void {
    const file = this.file('metrics.jsonl');
    // What was logged before the first step is logged again where that is run again.
    const keep = (record: object) => step > 0 && (record as MetricsRecord).step <= step;
    this.records(); // a damaged line is told before anything is dropped
    truncateJsonLines(file, keep);
    if (this.logs.length === 0) return;
    const kept = this.records();
    for (const log of this.logs) log.rewind(step, kept);
  }

  /** Whether any figure was drawn. */
  get hasFigures(): boolean {
    return this.figureFiles().length > 0;
  }

  /** Names of the files of figures, those of one kind in the order of their steps. */
  figureFiles(): string[] {
    const folder = this.file('figures');
    return existsSync(folder) ? readdirSync(folder).sort() : [];
  }

  /** Keeps a picture of a kind, `similarity`, as it was after a step. */
  figure(kind: string, step: number, png: Uint8Array): void {
    writeFileAtomic(this.file('figures', `${kind}-step-${String(step).padStart(8, '0')}.png`), png);
    for (const log of this.logs) log.figure(kind, step, png);
  }
}

/**
 * The folder of a run as processes see it that share its batches with the one that keeps it: they read checkpoints, and write nothing.
 * It must lie where all of them see it.
 */
export class FollowedFolder extends RunFolder {
  override get isKept(): boolean {
    return false;
  }

  override lock(): () => void {
    return () => {};
  }

  override unlock(): void {}
  override discard(): void {}
  override begin(): void {}
  override prune(): void {}
  override log(): void {}
  override logTo(): void {}
  override rewindMetrics(): void {}
  override writeLegend(): void {}
  override figure(): void {}

  override records(): readonly MetricsRecord[] {
    return [];
  }
}
