import { messageOf, UserError } from '../src/errors.ts';
import type { Gpu } from '../src/gpu/device.ts';
import type { PlanOptions } from '../src/graph/plan.ts';
import {
  type Benchmark,
  farthest,
  type Implementation,
  type Item,
  type OpenPeer,
  type Ours,
  type Values,
} from './benchmark.ts';
import type { Row } from './report.ts';
import type { Roofline } from './roofline.ts';
import { median, type Pace, paceOf, sample } from './timing.ts';

/** A library to compare with, for one case: its name, and how to load it. */
export interface Peer {
  readonly name: string;
  load(): Promise<OpenPeer<unknown>>;
}

export interface Settings extends Pick<PlanOptions, 'selectVariant'> {
  /** Timed samples of each implementation. */
  readonly runs: number;
  readonly roofline: Roofline;
  /** Told what is going on. */
  readonly progress: (text: string) => void;
}

interface TimedImplementation {
  /** `ours`, or `<peer>, <setting>`. */
  readonly name: string;
  readonly peer?: string;
  readonly implementation: Implementation;
  readonly pace: Pace;
  readonly times: number[];
}

/** Compares an item's results with those of its peers, then times all of them in turn. UserError: the device refuses ours. */
export async function measure(gpu: Gpu, op: string, item: Item<unknown>, peers: readonly Peer[], settings: Settings) {
  const label = `${item.name} ${item.shape}`;
  const tell = (text: string) => settings.progress(`${label}: ${text}`);
  const before = gpu.bytes;
  tell('compiling');
  const benchmark = await item.open(gpu, settings);
  const { ours } = benchmark;
  const comparison = new Comparison(gpu, benchmark.tolerance, await ours.first(), tell);
  const peak_bytes = gpu.bytes - before;
  for (const peer of peers) await comparison.add(peer, benchmark);
  const own: TimedImplementation = { name: 'ours', implementation: ours, pace: await paceOf(ours), times: [] };
  const implementations = [own, ...comparison.accepted];
  if (comparison.accepted.length === 0 && !comparison.disagreed) await comparison.checkOurs(ours);
  await time(implementations, settings.runs, tell);
  const kernel_ms = await ours.kernelTime();
  for (const { implementation } of implementations) implementation.destroy();
  gpu.trim();
  const row: Row = {
    ...{ op, name: item.name, shape: item.shape, runs: settings.runs },
    ...summarise(implementations),
    ...rates(own, ours, settings.roofline),
    ...(kernel_ms !== undefined && { kernel_ms }),
    ...{ peak_bytes, agreement: comparison.agreement, left_out: comparison.leftOut },
  };
  return { row, disagreed: comparison.disagreed };
}

/** Compares results: an implementation is timed only if it computes what ours does. */
class Comparison {
  readonly accepted: TimedImplementation[] = [];
  readonly agreement: Row['agreement'] = {};
  readonly leftOut: Row['left_out'] = {};
  /** Somebody computed something else, or failed in a way that is no refusal. */
  disagreed = false;

  constructor(
    private readonly gpu: Gpu,
    private readonly tolerance: (name: string) => number,
    private readonly expected: Values,
    private readonly tell: (text: string) => void,
  ) {}

  /** Compares and warms up all settings of a peer. */
  async add({ name, load }: Peer, { problem, ours }: Benchmark<unknown>): Promise<void> {
    await this.attempt(name, async () => {
      const implementations = await (await load())(this.gpu, problem, ours);
      for (const implementation of implementations) {
        const full = `${name}, ${implementation.setting}`;
        await this.attempt(full, () => this.addImplementation(full, name, implementation));
      }
    });
  }

  private async addImplementation(name: string, peer: string, implementation: Implementation): Promise<void> {
    this.tell(`comparing with ${name}`);
    const usual = this.tolerance;
    const tolerance = (value: string) => implementation.tolerance?.(value, usual(value)) ?? usual(value);
    if (this.compare(name, await implementation.first(), tolerance)) {
      this.accepted.push({ name, peer, implementation, pace: await paceOf(implementation), times: [] });
    } else implementation.destroy();
  }

  /** What goes wrong leaves a peer out of the row. */
  private async attempt(name: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.leftOut[name] = messageOf(error);
      this.disagreed ||= !(error instanceof UserError);
      // What it did wrong on the device that it shares with ours is told; ours goes on.
      this.gpu.failure = undefined;
    }
  }

  /** Without a peer, ours is compared with another way to compute it. */
  async checkOurs(ours: Ours): Promise<void> {
    this.tell('comparing');
    const check = await ours.check();
    if (check) this.compare(check.name, check.values, this.tolerance);
  }

  private compare(name: string, values: Values, tolerance: (name: string) => number): boolean {
    const worst = farthest(values, this.expected, tolerance);
    const allowed = tolerance(worst.name);
    if (worst.distance <= allowed) {
      this.agreement[name] = { ...worst, allowed };
      return true;
    }
    this.disagreed = true;
    const distance = `'${worst.name}' is ${worst.distance.toExponential(2)} away, relative to its norm`;
    this.leftOut[name] = `does not compute what ours does: ${distance}; ${allowed} is allowed`;
    return false;
  }
}

/** Samples of all in turn: what disturbs the machine for a while disturbs all of them. */
async function time(
  implementations: readonly TimedImplementation[],
  runs: number,
  tell: (text: string) => void,
): Promise<void> {
  for (let run = 0; run < runs; run++) {
    for (const { name, implementation, pace, times } of implementations) {
      tell(`run ${run + 1} of ${runs}, ${name}`);
      times.push(await sample(implementation, pace));
    }
  }
}

/** Rates of ours, and the larger of their shares of what the device can do: which of the two bounds the kernel. */
function rates({ times }: TimedImplementation, work: { flops: number; bytes: number }, roofline: Roofline) {
  const nanoseconds = median(times) * 1e6;
  const gflops = work.flops / nanoseconds;
  const gbps = work.bytes / nanoseconds;
  const [arithmetic, memory] = [gflops / roofline.gflops, gbps / roofline.gbps];
  const bound = arithmetic > memory ? ('arithmetic' as const) : ('memory' as const);
  return { gflops, gbps, roofline_share: Math.max(arithmetic, memory), bound };
}

function summarise(
  implementations: readonly TimedImplementation[],
): Pick<Row, 'ours_ms' | 'peers' | 'ratio' | 'spread' | 'settings'> {
  const ours_ms = median(implementations[0].times);
  const spread: Row['spread'] = {};
  const settings: Row['settings'] = {};
  for (const { name, peer, implementation, times } of implementations) {
    spread[name] = [Math.min(...times), Math.max(...times)];
    if (peer) settings[peer] = { ...settings[peer], [implementation.setting]: median(times) };
  }
  const peers = Object.fromEntries(
    Object.entries(settings).map(([peer, medians]) => [peer, Math.min(...Object.values(medians))]),
  );
  const ratio = Object.fromEntries(Object.entries(peers).map(([peer, value]) => [peer, value / ours_ms]));
  return { ours_ms, peers, ratio, spread, settings };
}
