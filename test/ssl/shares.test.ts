/** How processes that train together divide a batch, and what they make of running statistics and of work on the host. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { State } from '../../src/graph/state.ts';
import { variable } from '../../src/graph/trace.ts';
import type { Communicator } from '../../src/mpi/communicator.ts';
import { sharedData } from '../../src/ssl/epoch_data.ts';
import { RankExchange } from '../../src/ssl/rank_exchange.ts';
import { contribution } from '../../src/ssl/running_statistics.ts';
import { checkShares, shareOf, sharesOf } from '../../src/ssl/shares.ts';
import { communicationOf } from '../../src/train/communication.ts';
import { checkRanks } from '../../src/train/learner.ts';
import { type GivenSettings, parseSettings } from '../../src/train/settings.ts';
import { localRanks, onAll } from '../mpi/local_ranks.ts';

describe('the parts of a batch', () => {
  it('are as many images, one after another', () => {
    expect([0, 1, 2].map((rank) => shareOf(12, { rank, size: 3 }))).toEqual([
      { begin: 0, end: 4 },
      { begin: 4, end: 8 },
      { begin: 8, end: 12 },
    ]);
    expect(shareOf(12)).toEqual({ begin: 0, end: 12 });
  });

  it('of several batches are those of each, one behind the other', () => {
    const order = Uint32Array.of(10, 11, 12, 13, 20, 21, 22, 23);
    expect([...sharesOf(order, 4, { rank: 1, size: 2 })]).toEqual([12, 13, 22, 23]);
    expect([...sharesOf(order, 4)]).toEqual([...order]);
  });

  it('must be of one size, and pieces too', () => {
    expect(() => checkShares({ batchSize: 10, microBatch: 0 }, 4)).toThrow(/batchSize 10 .* must be a multiple of 4/);
    expect(() => checkShares({ batchSize: 12, microBatch: 6 }, 3)).toThrow(/microBatch \(6\) must divide the 4 images/);
    expect(() => checkShares({ batchSize: 12, microBatch: 2 }, 3)).not.toThrow();
  });

  it.each<[GivenSettings, string]>([
    [{ method: 'gan' }, 'method gan does not train on several processes: it has two losses, of which the second'],
    [{ method: 'bert' }, 'method bert does not train on several processes: its loss is a mean over the tokens'],
    [
      { method: 'context-encoder' },
      'has two losses, of which the second sees what the first has changed; with --adversarial-weight 0',
    ],
    [
      { method: 'context-encoder', adversarialWeight: 0, region: 'blocks' },
      'not as many with --region blocks; use center',
    ],
    [{ method: 'dino', centering: 'sinkhorn' }, '--centering sinkhorn shares outputs over the whole batch; use mean'],
    [{ method: 'dino', koleoWeight: 0.1, batchSize: 4 }, '--koleo-weight drives images apart that pass at once'],
    [{ method: 'moco' }, '--batch-norm-splits (8) must divide the 4 images of --batch-size (16) that pass at once'],
    [
      { method: 'moco', batchNormSplits: 1, syncBatchNorm: true },
      '--sync-batch-norm: statistics of all processes tell',
    ],
    [{ method: 'simclr', mix: 'mixup', batchSize: 4 }, '--mix mixup mixes pictures that pass at once'],
  ])('%o is refused with four processes in one line', (given, message) => {
    expect(() => checkRanks(parseSettings({ batchSize: 16, ...given }), 4)).toThrow(message);
  });

  it('a method is not, whose parts make the whole', () => {
    const names = ['simclr', 'moco', 'swav', 'inst-disc', 'barlow-twins', 'vicreg', 'cpc-1d', 'dino'];
    for (const method of names) {
      const settings = parseSettings({ method, batchSize: 16, ...(method === 'moco' && { batchNormSplits: 2 }) });
      expect(() => checkRanks(settings, 4), method).not.toThrow();
    }
  });
});

it('running statistics: what all have seen, one after another', () => {
  const tensor = variable('running_mean', [3]);
  const running = [{ tensor, kept: 0.8 }];
  const before = Float32Array.of(1, -2, 0.5);
  const seen = [
    [3, 4, 5],
    [-1, 0, 2],
    [7, 7, -7],
  ];
  const moved = (from: ArrayLike<number>, rank: number) =>
    Float32Array.from(seen[rank], (x, i) => 0.8 * from[i] + 0.2 * x);
  const expected = seen.reduce((at, _, rank) => moved(at, rank), before);
  const all = seen.map((_, rank) =>
    contribution(running, { rank, size: 3 }, padded(before), padded(moved(before, rank))),
  );
  const sum = Array.from({ length: 3 }, (_, i) => all.reduce((total, given) => total + given[i], 0));
  sum.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 5));
});

/** As `flatten` lays one tensor out. */
function padded(values: Float32Array): Float32Array {
  const flat = new Float32Array(512);
  flat.set(values);
  return flat;
}

it('what an epoch begins with is made by the first process, for all, of features that all compute', async () => {
  const data = { clusters: Uint32Array.of(3, 1, 2), centres: Float32Array.of(0.1, -2), none: new Int32Array() };
  let made = 0;
  const shared = await onAll(localRanks(3), (ranks) => {
    const features = () => ranks.gather(Float32Array.of(ranks.rank));
    return sharedData(ranks, features, async (asked) => {
      made++;
      expect([...(await asked()), ...(await asked())]).toEqual([0, 1, 2, 0, 1, 2]);
      return data;
    });
  });
  expect(made).toBe(1);
  for (const one of shared) expect(one).toEqual(data);
});

it('exchanges that wait for one another are not counted twice', async () => {
  let turn: Promise<unknown> = Promise.resolve();
  const [alone] = localRanks(1);
  const ranks: Communicator = {
    ...alone,
    sum: () => {
      const done = turn.then(() => sleep(60));
      turn = done;
      return done;
    },
  };
  const exchange = new RankExchange({} as State, ranks);
  const { sum } = exchange.peers({ exchange: { kind: 'gradients', means: {}, running: [] } }, true);
  const start = performance.now();
  await Promise.all([1, 2, 3].map(() => sum!(new Float32Array(5))));
  const took = (performance.now() - start) / 1000;
  const { seconds, calls, bytes } = exchange.cost;
  expect({ calls, bytes }).toEqual({ calls: 3, bytes: 60 });
  expect(seconds).toBeGreaterThan(0.17);
  expect(seconds).toBeLessThanOrEqual(took);
});

it('a process that the others wait for is named, where they wait for long', async () => {
  const of = (waiting: readonly number[]) =>
    onAll(localRanks(waiting.length), (ranks) =>
      communicationOf(
        { ranks, cost: { seconds: 9, exposed: waiting[ranks.rank], bytes: 4000, calls: 5 } },
        { steps: 10, seconds: 8 },
      ),
    );
  expect((await of([4, 1, 4]))[0]).toEqual({ share: 0.5, bytesPerStep: 400, slowest: 1 });
  expect((await of([1, 2, 1.5]))[0]).toEqual({ share: 0.125, bytesPerStep: 400 });
});
