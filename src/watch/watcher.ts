/** All runs of some folders. Files are looked at when somebody asks, and not otherwise: a page that is closed costs a training nothing. */
import { realpathSync } from 'node:fs';
import { relative, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FoundRun, findRuns } from './find_runs.ts';
import { WatchedRun } from './watched_run.ts';
import type { RunList } from './wire.ts';

/** What was looked at so few milliseconds ago is not looked at again: several pages may be open. */
const fresh = 400;
/** Folders are looked through anew after so many milliseconds. */
const searchEvery = 2000;
/** Whoever asks waits so long at most; what is being read is there when they ask again. */
const patience = 1000;

export class Watcher {
  private readonly runs = new Map<string, WatchedRun>();
  private refreshing: Promise<void> | undefined;
  private refreshed = Number.NEGATIVE_INFINITY;
  private searched = Number.NEGATIVE_INFINITY;
  private loading = true;

  /** @param roots folders as the user gave them; one that is not there yet is looked for again */
  constructor(readonly roots: readonly string[]) {}

  /** All runs, by name. */
  async list(): Promise<RunList> {
    await this.refresh();
    const runs = [...this.runs.values()].flatMap(({ summary }) => summary ?? []);
    runs.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }) || a.path.localeCompare(b.path));
    return { runs, roots: this.roots, loading: this.loading };
  }

  /** Looks for runs, and reads none of them. @returns how many there are */
  async find(): Promise<number> {
    await this.search();
    return this.runs.size;
  }

  /** Whether a folder holds one of the runs that were found. */
  hasRunsIn(root: string): boolean {
    const real = realpathSync(root);
    return [...this.runs.values()].some(({ found: { path } }) => path === real || path.startsWith(real + sep));
  }

  /** A run by its id; undefined: there is none. */
  async run(id: string): Promise<WatchedRun | undefined> {
    await this.refresh();
    return this.runs.get(id);
  }

  private async refresh(): Promise<void> {
    if (!this.refreshing && performance.now() - this.refreshed < fresh) return;
    this.refreshing ??= this.look().finally(() => {
      this.refreshing = undefined;
      this.refreshed = performance.now();
    });
    await Promise.race([this.refreshing, sleep(patience, undefined, { ref: false })]);
  }

  private async look(): Promise<void> {
    if (performance.now() - this.searched >= searchEvery) await this.search();
    // One after another: the disk is the training's too.
    for (const run of this.runs.values()) await run.refresh();
    this.loading = false;
  }

  private async search(): Promise<void> {
    const found = (await Promise.all(realRoots(this.roots).map(findRuns))).flat();
    const paths = new Set(found.map(({ path }) => path));
    for (const [id, { found }] of this.runs) if (!paths.has(found.path)) this.runs.delete(id);
    const known = new Set([...this.runs.values()].map(({ found }) => found.path));
    for (const one of named(found)) {
      if (known.has(one.path)) continue;
      known.add(one.path);
      const run = new WatchedRun(one);
      this.runs.set(run.id, run);
    }
    this.searched = performance.now();
  }
}

/** Runs of several folders that have one name are told apart by where they are. */
function named(found: readonly FoundRun[]): FoundRun[] {
  const names = new Map<string, Set<string>>();
  for (const { name, path } of found) names.set(name, (names.get(name) ?? new Set()).add(path));
  return found.map((run) => ({ ...run, name: names.get(run.name)!.size > 1 ? relative('', run.path) : run.name }));
}

function realRoots(roots: readonly string[]): string[] {
  return roots.flatMap((root) => {
    try {
      return [realpathSync(root)];
    } catch {
      return [];
    }
  });
}
