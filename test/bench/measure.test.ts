/** What a row says, by implementations that are made up. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Implementation, Item, Ours, Values } from '../../bench/benchmark.ts';
import { measure, type Peer } from '../../bench/measure.ts';
import { rowSchema } from '../../bench/report.ts';
import { median, paceOf, sample } from '../../bench/timing.ts';
import { UserError } from '../../src/errors.ts';
import { Gpu } from '../../src/gpu/device.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await Gpu.open({ nullBackend: true });
});
afterAll(() => gpu.destroy());

const values = (...numbers: number[]): Values => new Map([['y', Float32Array.from(numbers)]]);
const right = values(3, 4);

interface Made extends Implementation {
  runs: number;
  destroyed: boolean;
}

/** An implementation whose run takes `ms` by a clock of its own. */
const implementation = (setting: string, result: Values, ms: number): Made => ({
  setting,
  runs: 0,
  destroyed: false,
  first: () => Promise.resolve(result),
  run: () => Promise.resolve(),
  timed(times) {
    this.runs += times;
    return Promise.resolve(ms * times);
  },
  destroy() {
    this.destroyed = true;
  },
});

const oursOf = (made: Made, check?: Values): Item<null> => ({
  name: 'op',
  shape: '2',
  trace: () => ({ graph: { nodes: [] }, outputs: [] }),
  open: () => {
    const rest = { check: () => Promise.resolve(check && { name: 'definition', values: check }) };
    const ours = Object.assign(made, { flops: 6e6, bytes: 4e6, kernelTime: () => Promise.resolve(1.5) }, rest);
    return Promise.resolve({ problem: null, ours: ours as Ours, tolerance: () => 0.01 });
  },
});

const peerOf = (name: string, ...implementations: Implementation[]): Peer => ({
  name,
  load: () => Promise.resolve(() => Promise.resolve(implementations)),
});

const settings = { runs: 3, roofline: { gflops: 10, gbps: 4 }, progress: () => {} };

it('rates, shares, ratios', async () => {
  const peers = [peerOf('a', implementation('slow', right, 40), implementation('fast', values(3, 4.001), 20))];
  const { row, disagreed } = await measure(gpu, 'op', oursOf(implementation('', right, 2)), peers, settings);
  expect(disagreed).toBe(false);
  expect(rowSchema.parse(row)).toMatchObject({
    ...{ ours_ms: 2, kernel_ms: 1.5, gflops: 3, gbps: 2, roofline_share: 0.5, bound: 'memory' },
    ...{ peers: { a: 20 }, ratio: { a: 10 }, settings: { a: { slow: 40, fast: 20 } }, left_out: {} },
  });
  expect(row.agreement['a, fast'].distance).toBeCloseTo(0.001 / 5);
  expect(row.spread['a, slow']).toEqual([40, 40]);
});

it('who computes something else is not timed, and that is a fault', async () => {
  const wrong = implementation('wrong', values(3, 4.1), 1);
  const ours = implementation('', right, 2);
  const { row, disagreed } = await measure(gpu, 'op', oursOf(ours), [peerOf('a', wrong)], settings);
  expect(disagreed).toBe(true);
  expect(row.peers).toEqual({});
  expect(row.left_out['a, wrong']).toMatch(/does not compute what ours does: 'y' is 2.00e-2 away.*0.01 is allowed/);
  expect([wrong.runs, wrong.destroyed, ours.destroyed]).toEqual([0, true, true]);
});

it.each([
  ['a refusal leaves a peer out', new UserError('is not installed'), false],
  ['any other error leaves it out too, and is a fault', new TypeError('is not a function'), true],
])('%s', async (_, error, fault) => {
  const failing: Peer = { name: 'a', load: () => Promise.reject(error) };
  const others = [failing, peerOf('b', implementation('', right, 6))];
  const { row, disagreed } = await measure(gpu, 'op', oursOf(implementation('', right, 2)), others, settings);
  expect(row.left_out).toEqual({ a: error.message });
  expect(row.ratio).toEqual({ b: 3 });
  expect(disagreed).toBe(fault);
});

it('a setting that fails does not take the others with it', async () => {
  const failing = { ...implementation('x', right, 1), first: () => Promise.reject(new UserError('too large')) };
  const peers = [peerOf('a', failing, implementation('y', right, 4))];
  const { row } = await measure(gpu, 'op', oursOf(implementation('', right, 2)), peers, settings);
  expect(row.left_out).toEqual({ 'a, x': 'too large' });
  expect(row.settings).toEqual({ a: { y: 4 } });
});

it('without a peer ours is compared with another way to compute it', async () => {
  const agreed = await measure(gpu, 'op', oursOf(implementation('', right, 2), values(3, 4)), [], settings);
  expect(agreed.disagreed).toBe(false);
  expect(agreed.row.agreement).toHaveProperty('definition');
  const differs = await measure(gpu, 'op', oursOf(implementation('', right, 2), values(3, Number.NaN)), [], settings);
  expect(differs.disagreed).toBe(true);
  expect(differs.row.agreement).toEqual({});
});

it('a peer with a coarser format may be farther away', async () => {
  const coarse = { ...implementation('half', values(3, 4.1), 4), tolerance: (_: string, usual: number) => 10 * usual };
  const { row } = await measure(gpu, 'op', oursOf(implementation('', right, 2)), [peerOf('a', coarse)], settings);
  expect(row.agreement['a, half'].allowed).toBeCloseTo(0.1);
});

it('short work is repeated until a sample lasts 10 ms, at most 1,000 times', async () => {
  expect((await paceOf(implementation('', right, 25))).repeats).toBe(1);
  const { repeats } = await paceOf(implementation('', right, 0.1));
  expect(repeats * 0.1).toBeGreaterThanOrEqual(10);
  expect(repeats).toBeLessThan(300);
  expect((await paceOf(implementation('', right, 1e-6))).repeats).toBe(1000);
});

it('a run that is not counted comes before samples of up to a second', async () => {
  const uncounted = async (ms: number) => {
    let runs = 0;
    const made = { ...implementation('', right, ms), run: async (times: number) => void (runs += times) };
    expect(await sample(made, await paceOf(made))).toBeCloseTo(ms);
    return runs;
  };
  expect(await uncounted(0.1)).toBe(1);
  expect(await uncounted(999)).toBe(1);
  expect(await uncounted(1000)).toBe(0);
});

it('the median of an even number of values is the mean of the middle two', () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([8, 1, 3, 4])).toBe(3.5);
});
