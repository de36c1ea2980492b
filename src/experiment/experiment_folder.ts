/** The folder of an experiment: locked while one runs in it, and gone again where the experiment was refused before it began. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type ListedFile, writeInventory } from '../data/inventory.ts';
import { checkResultsPlace, markResults, resultsMarker } from '../data/results_folder.ts';
import { checkWritableDir, ensureWritableDir, removeEmptyFolders } from '../io/files.ts';
import { checkUnlocked, lockFolder } from '../io/folder_lock.ts';
import { type ExperimentConfig, readExperiment, writeExperiment } from './experiment_settings.ts';

/** What is written before the first stage. */
const first = ['experiment.json', 'images.jsonl', 'kernels.json', resultsMarker];

export class ExperimentFolder {
  private constructor(
    readonly path: string,
    private readonly unlock: () => void,
    /** Folders that were made for a new experiment, outermost first; undefined: it was there before. */
    private readonly made?: readonly string[],
  ) {}

  /** Throws as `create` will, and changes nothing. */
  static checkFree(path: string): void {
    checkUnlocked(path);
    checkResultsPlace(path);
    checkWritableDir(path);
  }

  /** Makes and locks the folder of a new experiment. UserError: it cannot be written, or another process works in it. */
  static create(path: string, config: ExperimentConfig, files: readonly ListedFile[]): ExperimentFolder {
    const made = ensureWritableDir(path);
    const folder = new ExperimentFolder(path, lockFolder(path), made);
    markResults(path);
    writeInventory(path, files);
    writeExperiment(path, config);
    return folder;
  }

  /** Locks the folder of the experiment that is in it; undefined: there is none. UserError: it is damaged, or in use. */
  static open(path: string): { folder: ExperimentFolder; config: ExperimentConfig } | undefined {
    const config = readExperiment(path);
    return config && { folder: new ExperimentFolder(path, lockFolder(path)), config };
  }

  close(): void {
    this.unlock();
  }

  /** Closes the folder of an experiment that failed. One that was made for it, and in which no stage began, is removed. */
  discard(): void {
    const own = [...first, 'run.lock'];
    const unused = this.made && readdirSync(this.path).every((name) => own.includes(name));
    if (unused) for (const name of first) rmSync(join(this.path, name), { force: true });
    this.close();
    if (unused) removeEmptyFolders(this.made);
  }
}
