/** One run that is watched: its folder is looked at whenever somebody asks. */
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import { decimate, Elapsed, longestGap, places, type Window } from './decimate.ts';
import type { FoundRun } from './find_runs.ts';
import { legendFile, readLegend } from './legend.ts';
import { MetricsFile } from './metrics_file.ts';
import { NumbersTable } from './numbers_table.ts';
import { type RunFacts, readFacts } from './run_facts.ts';
import { endMarks, figuresIn, idOf, versionOf } from './run_files.ts';
import { statusOf } from './status.ts';
import type { NumberFacts, RunSummary, Series, SeriesOfRun, Warning } from './wire.ts';

/** Warnings that are told; a run that warns more often repeats itself. */
const mostWarnings = 20;

export class WatchedRun {
  readonly id: string;
  /** Lines of steps, and those of epochs and of probes. */
  private stepTable = new NumbersTable();
  private epochTable = new NumbersTable();
  private warnings: Warning[] = [];
  private damagedLines = 0;
  private readonly metrics: MetricsFile;
  private facts: RunFacts | undefined;
  private declared: Readonly<Record<string, NumberFacts>> = {};
  private configVersion = '';
  private legendVersion = '';
  private problem: string | null = null;
  private told: RunSummary | undefined;

  constructor(readonly found: FoundRun) {
    this.id = idOf(found.path);
    this.metrics = new MetricsFile(join(found.path, 'metrics.jsonl'), {
      restart: () => this.restart(),
      line: (record) => this.add(record),
      damaged: () => this.damagedLines++,
    });
  }

  /** Reads what is new. */
  async refresh(): Promise<void> {
    await this.readConfig();
    await this.metrics.follow();
    this.told = await this.summarise();
  }

  /** Undefined before `refresh`. */
  get summary(): RunSummary | undefined {
    return this.told;
  }

  private restart(): void {
    this.stepTable = new NumbersTable();
    this.epochTable = new NumbersTable();
    this.warnings = [];
    this.damagedLines = 0;
  }

  private add(record: Readonly<Record<string, unknown>>): void {
    const step = record['step'] as number;
    switch (record['type']) {
      case 'step':
        if (step <= (this.stepTable.steps.view().at(-1) ?? 0)) this.repeat(step);
        this.stepTable.add(record);
        return;
      case 'epoch':
      case 'probe':
        this.epochTable.add(record);
        return;
      case 'warning': {
        const { kind, message, remedy } = record;
        this.warnings.push({ kind: String(kind), step, message: String(message), remedy: String(remedy ?? '') });
        this.warnings = this.warnings.slice(-mostWarnings);
      }
    }
  }

  /** Steps from this one on come again: what they led to comes again too. */
  private repeat(step: number): void {
    this.epochTable.dropFrom(step);
    this.warnings = this.warnings.filter((warning) => warning.step < step);
  }

  /** Where a file has changed. Files are replaced in one step, so that they are never half there. */
  private async readConfig(): Promise<void> {
    const legend = join(this.found.path, legendFile);
    const legendVersion = await versionOf(legend);
    if (legendVersion !== this.legendVersion) {
      this.legendVersion = legendVersion;
      this.declared = await readLegend(legend);
    }
    const config = join(this.found.path, 'config.json');
    const configVersion = await versionOf(config);
    if (configVersion === this.configVersion) return;
    this.configVersion = configVersion;
    try {
      this.facts = await readFacts(config);
      this.problem = null;
    } catch (error) {
      this.problem = `config.json cannot be read: ${messageOf(error).split('\n', 1)[0].slice(0, 200)}`;
    }
  }

  /** Steps of an epoch: as the config says, else as the first epoch that ended was long. */
  private get perEpoch(): number | null {
    if (this.facts?.perEpoch) return this.facts.perEpoch;
    const epochs = this.epochTable.epochs.view();
    const row = epochs.findIndex((epoch) => epoch > 0);
    return row < 0 ? null : this.epochTable.steps.at(row) / epochs[row];
  }

  /** The last step that was logged. */
  private get step(): number {
    return Math.max(this.stepTable.steps.view().at(-1) ?? 0, this.epochTable.steps.view().at(-1) ?? 0);
  }

  private async lastLine(): Promise<number | null> {
    const times = [this.stepTable, this.epochTable].map((table) => table.times.view().at(-1) ?? Number.NaN);
    const newest = Math.max(...times.filter((time) => !Number.isNaN(time)));
    if (newest > 0) return newest * 1000;
    try {
      return (await lstat(join(this.found.path, 'metrics.jsonl'))).mtimeMs;
    } catch {
      return null;
    }
  }

  private async summarise(): Promise<RunSummary> {
    const { facts, step, found, perEpoch, metrics } = this;
    const lines = this.stepTable.rows + this.epochTable.rows;
    const lastLine = await this.lastLine();
    const at = lastLine ?? 0;
    const steps = facts?.steps ?? (perEpoch !== null && facts?.epochs ? perEpoch * facts.epochs : null);
    const marks = await endMarks(found.path, at);
    const last = this.stepTable.epochs.view().at(-1);
    return {
      ...{ id: this.id, name: found.name, path: found.path },
      ...{ method: facts?.method ?? 'unknown', started: facts?.started ?? null, adapter: facts?.adapter ?? null },
      status: statusOf({ ...marks, step, steps, lines, lastLine: at, now: Date.now() }),
      ...{ lastLine, step, steps },
      epoch: last ?? null,
      epochs: perEpoch && steps !== null ? Math.ceil(steps / perEpoch) : (facts?.epochs ?? null),
      latest: this.latest(),
      bestKnn: this.bestKnn(),
      legend: this.legend(),
      warnings: this.warnings,
      figures: await figuresIn(found.path),
      settings: facts?.settings ?? {},
      seriesVersion: String(metrics.version),
      problem: this.damagedLines > 0 ? `${this.damagedLines} damaged lines in metrics.jsonl` : this.problem,
    };
  }

  private latest(): Record<string, number> {
    const values = [this.epochTable, this.stepTable].flatMap((table) =>
      table.names.flatMap((name) => {
        const value = table.last(name);
        return value === undefined ? [] : [[name, value] as const];
      }),
    );
    return Object.fromEntries(values);
  }

  private bestKnn(): number | null {
    const values = this.epochTable.column('knn')?.filter((value) => !Number.isNaN(value)) ?? [];
    return values.length > 0 ? Math.max(...values) : null;
  }

  /** What the run's method declared, and what its log says of guessing where that was not declared. */
  private legend(): Record<string, NumberFacts> {
    const guessed = { loss: ['chance', 'chance'], knn: ['majority', 'most frequent class'] } as const;
    const logged = Object.entries(guessed).flatMap(([name, [column, text]]) => {
      const value = this.epochTable.last(column);
      return value === undefined ? [] : [[name, { reference: { value, text } }] as const];
    });
    return { ...Object.fromEntries(logged), ...this.declared };
  }

  /** All numbers of a part of an axis. A number that steps have is told by step, the others by epoch. */
  series(window: Window): SeriesOfRun {
    const { stepTable, epochTable, perEpoch } = this;
    const elapsed = () => {
      const all = Float64Array.from([...stepTable.times.view(), ...epochTable.times.view()]).sort();
      return new Elapsed(all, longestGap(all));
    };
    const told: Record<string, Series> = {};
    for (const table of [stepTable, epochTable]) {
      const xs = places(table, window.axis, perEpoch, elapsed);
      for (const name of table.names) {
        if (name in told || name === 'chance' || name === 'majority') continue;
        const series = decimate(xs, table.column(name)!, window);
        if (series.x.length > 0) told[name] = series;
      }
    }
    return told;
  }
}
