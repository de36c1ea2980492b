import { messageOf, UserError } from '../src/errors.ts';
import type { Gpu } from '../src/gpu/device.ts';
import type { PlanOptions } from '../src/graph/plan.ts';
import type { Ceilings } from './ceilings.ts';
import {
  type Contest,
  type Contestant,
  farthest,
  type Item,
  type OpenPeer,
  type Ours,
  type Values,
} from './contest.ts';
import type { Row } from './report.ts';
import { median, type Pace, paceOf, sample } from './timing.ts';

/** A library to compare with, for one case: its name, and how to load it. */
export interface Peer {
  readonly name: string;
  load(): Promise<OpenPeer<unknown>>;
}

export interface Settings extends Pick<PlanOptions, 'choose'> {
  /** Timed samples of each contestant. */
  readonly runs: number;
  readonly ceilings: Ceilings;
  /** Told what is going on. */
  readonly progress: (text: string) => void;
}

interface Entrant {
  /** `ours`, or `<peer>, <setting>`. */
  readonly name: string;
  readonly peer?: string;
  readonly contestant: Contestant;
  readonly pace: Pace;
  readonly times: number[];
}

/** Compares an item's results with those of its peers, then times all of them in turn. UserError: the device refuses ours. */
export async function measure(gpu: Gpu, op: string, item: Item<unknown>, peers: readonly Peer[], settings: Settings) {
  const label = `${item.name} ${item.shape}`;
  const tell = (text: string) => settings.progress(`${label}: ${text}`);
  const before = gpu.bytes;
  tell('compiling');
  const contest = await item.open(gpu, settings);
  const { ours } = contest;
  const jury = new Jury(gpu, contest.tolerance, await ours.first(), tell);
  const peak_bytes = gpu.bytes - before;
  for (const peer of peers) await jury.admit(peer, contest);
  const own: Entrant = { name: 'ours', contestant: ours, pace: await paceOf(ours), times: [] };
  const entrants = [own, ...jury.admitted];
  if (jury.admitted.length === 0 && !jury.disagreed) await jury.checkOurs(ours);
  await time(entrants, settings.runs, tell);
  const kernel_ms = await ours.kernelTime();
  for (const { contestant } of entrants) contestant.destroy();
  gpu.trim();
  const row: Row = {
    ...{ op, name: item.name, shape: item.shape, runs: settings.runs },
    ...summarise(entrants),
    ...rates(own, ours, settings.ceilings),
    ...(kernel_ms !== undefined && { kernel_ms }),
    ...{ peak_bytes, agreement: jury.agreement, left_out: jury.leftOut },
  };
  return { row, disagreed: jury.disagreed };
}

/** Admits to the timing who computes what ours does. */
class Jury {
  readonly admitted: Entrant[] = [];
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
  async admit({ name, load }: Peer, { problem, ours }: Contest<unknown>): Promise<void> {
    await this.attempt(name, async () => {
      const contestants = await (await load())(this.gpu, problem, ours);
      for (const contestant of contestants) {
        const full = `${name}, ${contestant.setting}`;
        await this.attempt(full, () => this.hear(full, name, contestant));
      }
    });
  }

  private async hear(name: string, peer: string, contestant: Contestant): Promise<void> {
    this.tell(`comparing with ${name}`);
    const usual = this.tolerance;
    const tolerance = (value: string) => contestant.tolerance?.(value, usual(value)) ?? usual(value);
    if (this.compare(name, await contestant.first(), tolerance)) {
      this.admitted.push({ name, peer, contestant, pace: await paceOf(contestant), times: [] });
    } else contestant.destroy();
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
async function time(entrants: readonly Entrant[], runs: number, tell: (text: string) => void): Promise<void> {
  for (let run = 0; run < runs; run++) {
    for (const { name, contestant, pace, times } of entrants) {
      tell(`run ${run + 1} of ${runs}, ${name}`);
      times.push(await sample(contestant, pace));
    }
  }
}

/** Rates of ours, and the larger of their shares of what the device can do: which of the two bounds the kernel. */
function rates({ times }: Entrant, work: { flops: number; bytes: number }, ceilings: Ceilings) {
  const nanoseconds = median(times) * 1e6;
  const gflops = work.flops / nanoseconds;
  const gbps = work.bytes / nanoseconds;
  const [arithmetic, memory] = [gflops / ceilings.gflops, gbps / ceilings.gbps];
  const bound = arithmetic > memory ? ('arithmetic' as const) : ('memory' as const);
  return { gflops, gbps, ceiling_share: Math.max(arithmetic, memory), bound };
}

function summarise(entrants: readonly Entrant[]): Pick<Row, 'ours_ms' | 'peers' | 'ratio' | 'spread' | 'settings'> {
  const ours_ms = median(entrants[0].times);
  const spread: Row['spread'] = {};
  const settings: Row['settings'] = {};
  for (const { name, peer, contestant, times } of entrants) {
    spread[name] = [Math.min(...times), Math.max(...times)];
    if (peer) settings[peer] = { ...settings[peer], [contestant.setting]: median(times) };
  }
  const peers = Object.fromEntries(
    Object.entries(settings).map(([peer, medians]) => [peer, Math.min(...Object.values(medians))]),
  );
  const ratio = Object.fromEntries(Object.entries(peers).map(([peer, value]) => [peer, value / ours_ms]));
  return { ours_ms, peers, ratio, spread, settings };
}
