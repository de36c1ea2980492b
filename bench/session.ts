/** What one run of the benchmark measures, row by row. */
import { UserError } from '../src/errors.ts';
import type { Gpu } from '../src/gpu/device.ts';
import { measureCeilings } from './ceilings.ts';
import type { Item, Request } from './contest.ts';
import { growthSeries, largestStoredPairs, mostGrowthMilliseconds } from './growth.ts';
import { chooseVariant, measure, type Peer, type Settings } from './measure.ts';
import { itemsOf, peersOf } from './modules.ts';
import { newReport, type Report } from './report.ts';

export interface SessionOptions extends Request {
  readonly ops: readonly string[];
  /** Parts of names and shapes; a row has one of them. Empty: all rows. */
  readonly shapes: readonly string[];
  readonly peers: readonly string[];
  /** Of these the user expects times: one without any is a failure. */
  readonly demanded: readonly string[];
  readonly runs: number;
  /** A variant to take wherever a kernel has it. */
  readonly variant?: string;
  readonly growth: boolean;
}

/** A letter x stands for ×, which few keyboards have. */
const plain = (text: string): string => text.toLowerCase().replaceAll('×', 'x');

const isWanted = ({ name, shape }: Item<unknown>, shapes: readonly string[]): boolean =>
  shapes.length === 0 || shapes.some((part) => plain(`${name} ${shape}`).includes(plain(part)));

/** Measures the rows and adds them to a report. */
export class Session {
  readonly report: Report;
  /** What is wrong with the results, in words. */
  readonly faults: string[] = [];
  private readonly variant: ReturnType<typeof chooseVariant> | undefined;
  private readonly settings: Settings;

  private constructor(
    private readonly gpu: Gpu,
    private readonly options: SessionOptions,
    report: Report,
    progress: (text: string) => void,
  ) {
    this.report = report;
    this.variant = options.variant === undefined ? undefined : chooseVariant(options.variant);
    this.settings = {
      runs: options.runs,
      ceilings: report.ceilings,
      progress,
      ...(this.variant && { choose: this.variant.choose }),
    };
  }

  /** Runs what the options ask for. `progress` is told what is going on. */
  static async run(gpu: Gpu, options: SessionOptions, progress: (text: string) => void): Promise<Session> {
    progress("measuring the device's ceilings");
    const session = new Session(gpu, options, newReport(gpu, await measureCeilings(gpu)), progress);
    if (options.growth) await session.grow();
    else await session.compare();
    session.variant?.check();
    session.checkPeers();
    return session;
  }

  private async compare(): Promise<void> {
    const { ops, shapes, peers } = this.options;
    let found = 0;
    for (const op of ops) {
      for (const item of await itemsOf(op, this.options)) {
        if (!isWanted(item, shapes)) continue;
        found++;
        await this.add(op, item, peersOf(op, peers));
      }
    }
    if (found === 0)
      throw new UserError(`no row has ${shapes.map((text) => `'${text}'`).join(' or ')} in its name; --list shows all`);
  }

  private async grow(): Promise<void> {
    const binding_bytes = this.gpu.traits.limits['maxStorageBufferBindingSize'];
    this.report.matrix = { binding_bytes, largest_pairs: largestStoredPairs(binding_bytes) };
    for (const { op, items } of growthSeries(this.gpu, this.options)) {
      for (const item of items.filter((one) => isWanted(one, this.options.shapes))) {
        const ms = await this.add(op, item, []);
        if (ms === undefined || ms > mostGrowthMilliseconds) break;
      }
    }
  }

  /** Measures one row. Returns the time of ours; undefined where the device refuses it. */
  private async add(op: string, item: Item<unknown>, peers: readonly Peer[]): Promise<number | undefined> {
    const { name, shape } = item;
    try {
      const { row, disagreed } = await measure(this.gpu, op, item, peers, this.settings);
      this.report.rows.push(row);
      if (disagreed)
        this.faults.push(`${name} ${shape}: results differ or could not be compared; see the notes below the table`);
      return row.ours_ms;
    } catch (error) {
      // A lost device refuses everything that follows.
      if (!(error instanceof UserError) || this.gpu.failure) throw error;
      this.report.refused.push({ name, shape, reason: error.message });
      return undefined;
    }
  }

  private checkPeers(): void {
    for (const peer of this.options.demanded) {
      if (this.report.rows.some(({ peers }) => peer in peers)) continue;
      this.faults.push(`peer '${peer}' took part in no row`);
    }
  }
}

/** Every row that the options could measure, as text: `<case>: <name> <shape>`. */
export async function listRows(options: Request & { readonly ops: readonly string[] }): Promise<string[]> {
  const rows: string[] = [];
  for (const op of options.ops) {
    for (const { name, shape } of await itemsOf(op, options)) rows.push(`${op}: ${name} ${shape}`);
  }
  return rows;
}
