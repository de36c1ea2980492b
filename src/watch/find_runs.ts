/** Folders of runs, and of comparisons and experiments, below the folders that are watched. */
import { opendir } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import type { ReportKind } from './wire.ts';

/** Levels of folders that are looked through: an experiment's stages are two below it, and experiments may lie in folders by date. */
const deepest = 6;
/** Folders that are looked into at most: somebody may watch the root of a disk. */
const mostFolders = 5000;
/** What a run keeps in its folder, where no further run is. */
const skipped = new Set(['checkpoints', 'figures', 'tensorboard', 'node_modules']);
/** By one of these a folder is known to be that of a run. */
const signs = ['metrics.jsonl', 'run.lock'];

/** Of what is known by one of these, and has a report when there is something to say. */
const reported: Readonly<Record<string, ReportKind>> = {
  'compare.json': 'comparison',
  'experiment.json': 'experiment',
};

export interface FoundRun {
  readonly path: string;
  /** For people: where it is below the folder that is watched, or that folder's own name. */
  readonly name: string;
}

/** A folder of a comparison or an experiment; there may be no report in it yet. */
export interface FoundReport extends FoundRun {
  readonly kind: ReportKind;
}

export interface Found {
  readonly runs: readonly FoundRun[];
  readonly reports: readonly FoundReport[];
}

/**
 * Looks for runs and reports in a folder and below it. Symbolic links are not followed, hidden folders are passed over, and what cannot be read
 * counts as empty.
 * @param root a real path
 */
export async function findRuns(root: string): Promise<Found> {
  const found = { runs: [] as FoundRun[], reports: [] as FoundReport[] };
  let level = [root];
  let looked = 0;
  for (let depth = 0; depth <= deepest && level.length > 0; depth++) {
    const next: string[] = [];
    for (const folder of level) {
      if (++looked > mostFolders) return found;
      const { files, folders } = await entriesOf(folder);
      const one = { path: folder, name: relative(root, folder) || basename(folder) };
      if (isRun(files)) found.runs.push(one);
      for (const [file, kind] of Object.entries(reported)) if (files.has(file)) found.reports.push({ ...one, kind });
      next.push(...folders.map((name) => join(folder, name)));
    }
    level = next;
  }
  return found;
}

/** A run has begun where something was logged; before that, where a process has the folder's lock and a config is there. */
const isRun = (files: ReadonlySet<string>): boolean =>
  files.has('config.json') && signs.some((name) => files.has(name));

async function entriesOf(folder: string): Promise<{ files: Set<string>; folders: string[] }> {
  const files = new Set<string>();
  const folders: string[] = [];
  try {
    for await (const entry of await opendir(folder)) {
      if (entry.isFile()) files.add(entry.name);
      else if (entry.isDirectory() && !entry.name.startsWith('.') && !skipped.has(entry.name)) folders.push(entry.name);
    }
  } catch {
    // Gone meanwhile, or not for this user's eyes.
  }
  return { files, folders: folders.sort() };
}
