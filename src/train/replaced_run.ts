/** A run that a new one in its folder takes the place of: it is there until the new one trains. */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { resultsMarker } from '../data/results_folder.ts';
import { guarded } from '../io/file_errors.ts';

/** What a run leaves in its folder, evaluations of its checkpoints included. */
const entriesOfRun = [
  ...[
    'config.json',
    'images.jsonl',
    'metrics.jsonl',
    'legend.json',
    'kernels.json',
    'checkpoints',
    'figures',
    'tensorboard',
    'eval',
    resultsMarker,
  ],
];
/** A folder in that of the run, hidden from what looks for photos. */
const asideName = '.replaced';

const remove = (path: string): void => rmSync(path, { recursive: true, force: true });

export class ReplacedRun {
  private constructor(private readonly path: string) {}

  /**
   * Moves all that a run has left out of the way; other files of its folder stay where they are.
   * @returns undefined where there is nothing of a run
   * @throws UserError the folder cannot be written
   */
  static setAside(path: string): ReplacedRun | undefined {
    const run = new ReplacedRun(path);
    return guarded('write', path, () => {
      remove(run.aside());
      const there = entriesOfRun.filter((name) => existsSync(join(path, name)));
      if (there.length === 0) return undefined;
      mkdirSync(run.aside());
      for (const name of there) renameSync(join(path, name), run.aside(name));
      return run;
    });
  }

  private aside(...name: string[]): string {
    return join(this.path, asideName, ...name);
  }

  /** Everything is as it was before; what the new run has written goes. */
  bringBack(): void {
    for (const name of entriesOfRun) {
      remove(join(this.path, name));
      if (existsSync(this.aside(name))) renameSync(this.aside(name), join(this.path, name));
    }
    this.drop();
  }

  /** Removes it for good. */
  drop(): void {
    remove(this.aside());
  }
}
