/** The folder of work in stages: locked while it goes on, and gone again where the work was refused before it began. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type ListedFile, writeInventory } from '../data/inventory.ts';
import { checkResultsPlace, markResults, resultsMarker } from '../data/results_folder.ts';
import { checkWritableDir, ensureWritableDir, removeEmptyFolders, writeFileAtomic } from '../io/files.ts';
import { checkUnlocked, lockFolder } from '../io/folder_lock.ts';
import { type ExperimentConfig, experimentFile, readExperiment } from './experiment_settings.ts';

export class StagesFolder {
  private constructor(
    readonly path: string,
    /** The name of the file that keeps the settings. */
    private readonly file: string,
    private readonly unlock: () => void,
    /** Folders that were made for new work, outermost first; undefined: it was there before. */
    private readonly made?: readonly string[],
  ) {}

  /** Throws as `create` will, and changes nothing. */
  static checkFree(path: string): void {
    checkUnlocked(path);
    checkResultsPlace(path);
    checkWritableDir(path);
  }

  /**
   * Makes and locks the folder of new work.
   * @param file keeps its settings, `config`
   * @throws UserError it cannot be written, or another process works in it
   */
  static create(path: string, file: string, config: object, files: readonly ListedFile[]): StagesFolder {
    const made = ensureWritableDir(path);
    const folder = new StagesFolder(path, file, lockFolder(path), made);
    markResults(path);
    writeInventory(path, files);
    writeFileAtomic(join(path, file), `${JSON.stringify(config, null, 2)}\n`);
    return folder;
  }

  /** Locks the folder of work that is in it. UserError: it is in use. */
  static open(path: string, file: string): StagesFolder {
    return new StagesFolder(path, file, lockFolder(path));
  }

  close(): void {
    this.unlock();
  }

  /** Closes the folder of work that failed. One that was made for it, and in which no stage began, is removed. */
  discard(): void {
    const first = [this.file, 'images.jsonl', 'kernels.json', resultsMarker];
    const own = [...first, 'run.lock'];
    const unused = this.made && readdirSync(this.path).every((name) => own.includes(name));
    if (unused) for (const name of first) rmSync(join(this.path, name), { force: true });
    this.close();
    if (unused) removeEmptyFolders(this.made);
  }
}

/** Locks the folder of the experiment that is in it; undefined: there is none. UserError: it is damaged, or in use. */
export function openExperiment(path: string): { folder: StagesFolder; config: ExperimentConfig } | undefined {
  const config = readExperiment(path);
  return config && { folder: StagesFolder.open(path, experimentFile), config };
}
