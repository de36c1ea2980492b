import { messageOf, UserError } from '../src/errors.ts';
import type { Gpu } from '../src/gpu/device.ts';
import {
  type Contest,
  type Contestant,
  farthest,
  type OpenCase,
  type OpenPeer,
  type Size,
  type Values,
} from './contest.ts';
import type { Row } from './report.ts';

export interface Settings extends Size {
  readonly op: string;
  /** Libraries to compare with. */
  readonly peers: readonly string[];
  /** Timed runs of each contestant. */
  readonly runs: number;
  /** Told what is going on. */
  readonly progress: (text: string) => void;
}

/** How modules of the benchmark are found: `cases/step` → its default export. */
export type Load = (module: string) => Promise<unknown>;

interface Entrant {
  readonly name: string;
  readonly contestant: Contestant;
  readonly times: number[];
}

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
};

/** Runs a case and its peers in turn on one device, after all of them gave the same values. */
export async function measure(gpu: Gpu, load: Load, settings: Settings): Promise<Row> {
  const { op, runs, progress } = settings;
  const openCase = (await load(`cases/${op}`)) as OpenCase<unknown>;
  progress(`${op}: compiling`);
  const contest = await openCase(gpu, settings);
  const ours: Entrant = { name: 'ours', contestant: contest.ours, times: [] };
  const expected = await contest.ours.first();
  const peak = gpu.highWater;
  const agreement: Row['agreement'] = {};
  const entrants = [ours];
  for (const peer of settings.peers) {
    for (const contestant of await openPeer(gpu, load, peer, op, contest)) {
      const name = `${peer}, ${contestant.setting}`;
      progress(`${op}: comparing with ${name}`);
      agreement[name] = agree(name, await contestant.first(), expected, contest.tolerance);
      entrants.push({ name, contestant, times: [] });
    }
  }
  for (let run = 0; run < runs; run++) {
    for (const { name, contestant, times } of entrants) {
      progress(`${op}: run ${run + 1} of ${runs}, ${name}`);
      const start = performance.now();
      await contestant.again();
      times.push(performance.now() - start);
    }
  }
  for (const { contestant } of entrants) contestant.destroy();
  return {
    ...summarise(entrants),
    name: op,
    shape: contest.shape,
    runs,
    ...rates(ours, contest.flops),
    peak_bytes: peak,
    agreement,
  };
}

async function openPeer(gpu: Gpu, load: Load, peer: string, op: string, { problem }: Contest<unknown>) {
  let open: OpenPeer<unknown>;
  try {
    open = (await load(`peers/${peer}/${op}`)) as OpenPeer<unknown>;
  } catch (error) {
    throw new UserError(
      `peer '${peer}' cannot be loaded (${messageOf(error)}); npm install brings it, --peer none does without`,
    );
  }
  return open(gpu, problem);
}

function agree(name: string, values: Values, expected: Values, tolerance: (name: string) => number) {
  const worst = farthest(values, expected, tolerance);
  const allowed = tolerance(worst.name);
  if (worst.distance <= allowed) return { ...worst, allowed };
  throw new UserError(
    `${name} does not compute what ours does: '${worst.name}' is ${worst.distance.toExponential(2)} away, relative to its norm; ${allowed} is allowed`,
  );
}

const rates = ({ times }: Entrant, flops: number) => ({ gflops: flops / median(times) / 1e6 });

function summarise(entrants: readonly Entrant[]): Pick<Row, 'ours_ms' | 'peers' | 'ratio' | 'spread' | 'settings'> {
  const [ours, ...others] = entrants;
  const ours_ms = median(ours.times);
  const spread: Row['spread'] = {};
  for (const { name, times } of entrants) spread[name] = [Math.min(...times), Math.max(...times)];
  const settings: Row['settings'] = {};
  for (const { name, contestant, times } of others) {
    const [peer] = name.split(',');
    settings[peer] = { ...settings[peer], [contestant.setting]: median(times) };
  }
  const fastest = Object.entries(settings).map(
    ([peer, medians]) => [peer, Math.min(...Object.values(medians))] as const,
  );
  const ratio = Object.fromEntries(fastest.map(([peer, value]) => [peer, value / ours_ms]));
  return { ours_ms, peers: Object.fromEntries(fastest), ratio, spread, settings };
}
