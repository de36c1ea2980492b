/** What one run of the benchmark measures, row by row. */
import { UserError } from '../src/errors.ts';
import type { Gpu } from '../src/gpu/device.ts';
import { tuneKernels } from '../src/train/kernel_cache.ts';
import type { Item, Request } from './benchmark.ts';
import { measure, type Peer, type Settings } from './measure.ts';
import { itemsOf, peersOf } from './modules.ts';
import { newReport, type Report } from './report.ts';
import { measureRoofline } from './roofline.ts';
import { largestStoredPairs, longestScalingMilliseconds, type Series, scalingSeries } from './scaling.ts';
import { checkVariant, namedVariant } from './variants.ts';

/** Which rows. */
export interface Selection extends Request {
  readonly ops: readonly string[];
  /** Parts of names and shapes; a row has one of them. Empty: all rows. */
  readonly shapes: readonly string[];
}

export interface SessionOptions extends Selection {
  readonly peers: readonly string[];
  /** Of these the user expects times: one without any is a failure. */
  readonly demanded: readonly string[];
  readonly runs: number;
  /** A variant to take wherever a kernel has it. */
  readonly variant?: string;
  /** Takes the variants that are the fastest, by measuring what is not known yet. Default: on hardware, if none is named. */
  readonly autotune?: boolean;
  readonly scaling: boolean;
}

export interface SessionEvents {
  /** What is going on. */
  progress(text: string): void;
  /** A row more: a report that is kept from here on survives whatever comes. */
  onRow(report: Report): void;
}

/** A letter x stands for ×, which few keyboards have. */
const plain = (text: string): string => text.toLowerCase().replaceAll('×', 'x');

const isWanted = ({ name, shape }: Item<unknown>, shapes: readonly string[]): boolean =>
  shapes.length === 0 || shapes.some((part) => plain(`${name} ${shape}`).includes(plain(part)));

const tune = (gpu: Gpu, progress: (text: string) => void): void =>
  void tuneKernels(gpu, {
    onTune: (done, total, what) => progress(`tuning ${what}: ${done} of ${total}`),
    onRejected: (message) => progress(`note: ${message}`),
    onUnwritable: (message) => progress(`note: ${message}`),
  });

/** Measures the rows and adds them to a report. */
export class Session {
  readonly report: Report;
  /** What is wrong with the results, in words. */
  readonly faults: string[] = [];
  private readonly settings: Settings;

  private constructor(
    private readonly gpu: Gpu,
    private readonly options: SessionOptions,
    report: Report,
    private readonly events: SessionEvents,
  ) {
    this.report = report;
    this.settings = {
      runs: options.runs,
      roofline: report.roofline,
      progress: events.progress,
      ...(options.variant !== undefined && { selectVariant: namedVariant(options.variant) }),
    };
  }

  /** Runs what the options ask for. */
  static async run(gpu: Gpu, options: SessionOptions, events: SessionEvents): Promise<Session> {
    const { progress } = events;
    const autotune = options.variant === undefined && (options.autotune ?? !gpu.traits.software);
    if (autotune) tune(gpu, progress);
    const kernels = options.variant ?? (autotune ? 'measured' : 'fixed table');
    const rows = options.scaling ? [] : await wantedItems(options);
    const series = options.scaling ? wantedSeries(gpu, options) : [];
    const items = [...rows.map(({ item }) => item), ...series.flatMap((one) => one.items)];
    if (options.variant !== undefined) checkVariant(gpu, options.variant, items);
    progress("measuring the device's roofline");
    const session = new Session(gpu, options, newReport(gpu, kernels, await measureRoofline(gpu)), events);
    if (options.scaling) await session.grow(series);
    else await session.compare(rows);
    if (session.report.rows.length === 0) session.faults.push('no row was measured');
    session.checkPeers();
    return session;
  }

  private async compare(rows: readonly ListedItem[]): Promise<void> {
    for (const { op, item } of rows) await this.add(op, item, peersOf(op, this.options.peers));
  }

  private async grow(series: readonly Series[]): Promise<void> {
    const binding_bytes = this.gpu.traits.limits['maxStorageBufferBindingSize'];
    this.report.matrix = { binding_bytes, largest_pairs: largestStoredPairs(binding_bytes) };
    for (const { op, items } of series) {
      for (const item of items) {
        const ms = await this.add(op, item, []);
        if (ms === undefined || ms > longestScalingMilliseconds) break;
      }
    }
  }

  /** Measures one row. Returns the time of ours; undefined where the device refuses it. */
  private async add(op: string, item: Item<unknown>, peers: readonly Peer[]): Promise<number | undefined> {
    const { name, shape } = item;
    const measured = await measure(this.gpu, op, item, peers, this.settings).catch((error: unknown) => {
      // A lost device refuses everything that follows.
      if (!(error instanceof UserError) || this.gpu.failure) throw error;
      this.report.refused.push({ name, shape, reason: error.message });
    });
    if (!measured) return undefined;
    const { row, disagreed } = measured;
    this.report.rows.push(row);
    this.events.onRow(this.report);
    if (disagreed)
      this.faults.push(`${name} ${shape}: results differ or could not be compared; see the notes below the table`);
    return row.ours_ms;
  }

  private checkPeers(): void {
    for (const peer of this.options.demanded) {
      if (this.report.rows.some(({ peers }) => peer in peers)) continue;
      const has = this.options.ops.some((op) => peersOf(op, [peer]).length > 0);
      this.faults.push(
        `peer '${peer}' took part in no row${has ? '' : `: it has no ${this.options.ops.join(', no ')}`}`,
      );
    }
  }
}

interface ListedItem {
  readonly op: string;
  readonly item: Item<unknown>;
}

/** The items that the options ask for. UserError: none has such a name. */
async function wantedItems({ ops, shapes, ...request }: Selection): Promise<ListedItem[]> {
  const listed: ListedItem[] = [];
  for (const op of ops) for (const item of await itemsOf(op, request)) listed.push({ op, item });
  const wanted = listed.filter(({ item }) => isWanted(item, shapes));
  if (wanted.length > 0) return wanted;
  const parts = shapes.map((text) => `'${text}'`).join(' or ');
  throw new UserError(`no row of ${ops.join(', ')} has ${parts} in its name; --list shows all rows`);
}

/** The same of what grows. */
function wantedSeries(gpu: Gpu, { ops, shapes, ...request }: Selection): Series[] {
  const all = scalingSeries(gpu, request);
  const wanted = all
    .filter(({ op }) => ops.includes(op))
    .map(({ op, items }) => ({ op, items: items.filter((item) => isWanted(item, shapes)) }));
  if (wanted.some(({ items }) => items.length > 0)) return wanted;
  throw new UserError(`--scaling covers only ${all.map(({ op }) => op).join(' and ')}`);
}

/** Every row that the options ask for, as text: `<case>: <name> <shape>`. */
export const listRows = async (selection: Selection): Promise<string[]> =>
  (await wantedItems(selection)).map(({ op, item: { name, shape } }) => `${op}: ${name} ${shape}`);
