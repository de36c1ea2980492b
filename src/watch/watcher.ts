/** All runs of some folders. Files are looked at when somebody asks, and not otherwise: a page that is closed costs a training nothing. */
import { realpathSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FoundReport, type FoundRun, findRuns } from './find_runs.ts';
import { idOf, versionOf } from './run_files.ts';
import { WatchedRun } from './watched_run.ts';
import type { ReportSummary, RunList } from './wire.ts';

/** What was looked at so few milliseconds ago is not looked at again: several pages may be open. */
const fresh = 400;
/** Folders are looked through anew after so many milliseconds. */
const searchEvery = 2000;
/** Whoever asks waits so long at most; what is being read is there when they ask again. */
const patience = 1000;

export class Watcher {
  private readonly runs = new Map<string, WatchedRun>();
  /** Reports by their ids, and when each was written. */
  private reports = new Map<string, { readonly found: FoundReport; readonly version: string }>();
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
    runs.sort((a, b) => byName(a, b) || a.path.localeCompare(b.path));
    const reports = [...this.reports].map(([id, { found, version }]): ReportSummary => {
      const { name, kind } = found;
      return { id, name, kind, version };
    });
    reports.sort(byName);
    return { runs, reports, roots: this.roots, loading: this.loading };
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

  /** The file of a report by its id; undefined: there is none. */
  async report(id: string): Promise<string | undefined> {
    await this.refresh();
    const found = this.reports.get(id)?.found;
    return found && reportFile(found);
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
    for (const [id, { found }] of this.reports)
      this.reports.set(id, { found, version: await versionOf(reportFile(found)) });
    this.loading = false;
  }

  private async search(): Promise<void> {
    const all = await Promise.all(realRoots(this.roots).map(findRuns));
    const found = all.flatMap(({ runs }) => runs);
    const reports = named(all.flatMap((one) => one.reports));
    const version = (id: string) => this.reports.get(id)?.version ?? '';
    this.reports = new Map(
      reports.map((one) => [idOf(one.path), { found: one, version: version(idOf(one.path)) }] as const),
    );
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

const reportFile = ({ path }: FoundReport): string => join(path, 'report.html');

const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name.localeCompare(b.name, undefined, { numeric: true });

/** What has one name in several folders is told apart by where it is. */
function named<T extends FoundRun>(found: readonly T[]): T[] {
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
