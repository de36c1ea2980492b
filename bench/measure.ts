import { messageOf, UserError } from '../src/errors.ts';
import type { Gpu } from '../src/gpu/device.ts';
import type { PlanOptions } from '../src/graph/plan.ts';
import type { Ceilings } from './ceilings.ts';
import { type Contest, type Contestant, farthest, type Item, type OpenPeer, type Values } from './contest.ts';
import type { Row } from './report.ts';
import { median, repeatsOf, sample } from './timing.ts';

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
  readonly times: number[];
}

/** Compares an item's results with those of its peers, then times all of them in turn. UserError: the device refuses ours. */
export async function measure(gpu: Gpu, op: string, item: Item<unknown>, peers: readonly Peer[], settings: Settings) {
  const label = `${item.name} ${item.shape}`;
  const before = gpu.bytes;
  settings.progress(`${label}: compiling`);
  const contest = await item.open(gpu, settings);
  const expected = await contest.ours.first();
  const peak_bytes = gpu.bytes - before;
  const judged = await judge(gpu, label, contest, expected, peers, settings);
  const entrants: Entrant[] = [{ name: 'ours', contestant: contest.ours, times: [] }, ...judged.entrants];
  await time(label, entrants, settings);
  const kernel_ms = await contest.ours.kernelTime();
  for (const { contestant } of entrants) contestant.destroy();
  gpu.trim();
  const { agreement, left_out, disagreed } = judged;
  const row: Row = {
    ...{ op, name: item.name, shape: item.shape, runs: settings.runs },
    ...summarise(entrants),
    ...rates(entrants[0], contest.ours, settings.ceilings),
    ...(kernel_ms !== undefined && { kernel_ms }),
    ...{ peak_bytes, agreement, left_out },
  };
  return { row, disagreed };
}

/** The contestants that compute what ours does. Without any, ours is compared with another way to compute it. */
async function judge(
  gpu: Gpu,
  label: string,
  { problem, ours, tolerance }: Contest<unknown>,
  expected: Values,
  peers: readonly Peer[],
  { progress }: Settings,
) {
  const entrants: Entrant[] = [];
  const agreement: Row['agreement'] = {};
  const left_out: Row['left_out'] = {};
  let disagreed = false;
  const compare = (name: string, values: Values, allowedFor = tolerance) => {
    const worst = farthest(values, expected, allowedFor);
    const allowed = allowedFor(worst.name);
    if (worst.distance <= allowed) agreement[name] = { ...worst, allowed };
    else {
      disagreed = true;
      left_out[name] =
        `does not compute what ours does: '${worst.name}' is ${worst.distance.toExponential(2)} away, relative to its norm; ${allowed} is allowed`;
    }
    return worst.distance <= allowed;
  };
  for (const peer of peers) {
    try {
      progress(`${label}: comparing with ${peer.name}`);
      for (const contestant of await (await peer.load())(gpu, problem, ours)) {
        const name = `${peer.name}, ${contestant.setting}`;
        const allowed = (value: string) => contestant.tolerance?.(value, tolerance(value)) ?? tolerance(value);
        if (compare(name, await contestant.first(), allowed))
          entrants.push({ name, peer: peer.name, contestant, times: [] });
        else contestant.destroy();
      }
    } catch (error) {
      left_out[peer.name] = messageOf(error);
      disagreed ||= !(error instanceof UserError);
    }
  }
  if (entrants.length === 0 && !disagreed) {
    progress(`${label}: comparing`);
    const check = await ours.check();
    if (check) compare(check.name, check.values);
  }
  return { entrants, agreement, left_out, disagreed };
}

/** Warm-up, then samples of all in turn: what disturbs the machine for a while disturbs all of them. */
async function time(label: string, entrants: readonly Entrant[], { runs, progress }: Settings): Promise<void> {
  const repeats: number[] = [];
  for (const { name, contestant } of entrants) {
    progress(`${label}: warming up, ${name}`);
    repeats.push(await repeatsOf(contestant));
  }
  for (let run = 0; run < runs; run++) {
    for (const [index, { name, contestant, times }] of entrants.entries()) {
      progress(`${label}: run ${run + 1} of ${runs}, ${name}`);
      times.push(await sample(contestant, repeats[index]));
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

/** A choice of the named variant wherever a kernel has it, and what it found: names of all variants, and whether one was it. */
export function chooseVariant(wanted: string) {
  const seen = new Set<string>();
  const choose: NonNullable<PlanOptions['choose']> = (_node, names) => {
    for (const name of names) seen.add(name);
    return names.find((name) => name === wanted);
  };
  const check = () => {
    if (seen.has(wanted)) return;
    const there = [...seen].join(', ') || 'none';
    throw new UserError(`no kernel of these rows has a variant '${wanted}'; there is: ${there}`);
  };
  return { choose, check };
}
