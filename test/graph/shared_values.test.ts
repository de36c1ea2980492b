/** What processes share while a program runs: sums, the same as behind it and begun before its end, and rows of all. */
import { expect, it, vi } from 'vitest';
import { plan } from '../../src/graph/plan.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { input, trace, variable } from '../../src/graph/trace.ts';
import { addShared } from '../../src/ops/add_inplace.ts';
import { allGather } from '../../src/ops/all_gather.ts';
import { mul } from '../../src/ops/binary.ts';
import { flatten } from '../../src/ops/flatten.ts';
import { localRanks, onAll } from '../mpi/local_ranks.ts';
import { noise, onEveryAdapter } from '../ops/harness.ts';

const sizes = [700, 40, 512, 513, 90];
const least = 1024;

/** Three times each variable, the last first, added to a total. */
function build(rank: number) {
  const members = sizes.map((size, i) => variable(`x${i}`, [size], () => noise(size, 10 * rank + i)));
  const total = variable('total', [512 * sizes.reduce((sum, size) => sum + Math.ceil(size / 512), 0)]);
  const { graph } = trace(() => {
    const made = members.toReversed().map((member) => mul(member, 3));
    addShared(total, flatten(made.toReversed()), input('position', [1], 'u32'), least);
  });
  return { graph, total };
}

onEveryAdapter((gpu) => {
  it('parts are added as soon as they are complete, the last first, and cover all', () => {
    const { graph, total } = build(0);
    const { launches } = plan(graph, [], gpu().traits);
    const parts = launches.flatMap(({ shared }) => (shared?.kind === 'sum' ? [[shared.first, shared.length]] : []));
    // Rounded up to 512 elements the members are 1024, 512, 512, 1024 and 512 long.
    expect(parts).toEqual([
      [2048, 1536],
      [1024, 1024],
      [0, 1024],
    ]);
    expect(total.size).toBe(3584);
    expect(launches.findIndex(({ shared }) => shared)).toBe(2);
    expect(launches.at(-1)!.shared).toBeDefined();
  });

  it('all processes get the sums of theirs, in the run that asks for them', async () => {
    const found = await onAll(localRanks(3), async (ranks) => {
      const state = new State(gpu());
      const { graph, total } = build(ranks.rank);
      const program = await Program.compile(graph, state);
      const peers = {
        gather: (own: Float32Array) => ranks.gather(own),
        idle: async (done: Promise<unknown>) => void (await done),
      };
      await program.runShared({ position: Uint32Array.of(0) }, peers);
      const own = await state.read(total);
      await program.runShared({ position: Uint32Array.of(1) }, { ...peers, sum: (values) => ranks.sum(values) });
      const all = await state.read(total);
      program.destroy();
      state.destroy();
      return { own, all };
    });
    const expected = found[0].own.map((_, i) => found.reduce((sum, { own }) => Math.fround(sum + 2 * own[i]), 0));
    for (const { all } of found) expect(all).toEqual(expected);
    expect(found[0].own).not.toEqual(found[1].own);
  });

  it.each(['before', 'behind'] as const)('rows of all are the same everywhere, gathered %s the sums', async (place) => {
    const found = await onAll(localRanks(3), async (ranks) => {
      const state = new State(gpu());
      const x = variable('x', [2, 300], () => noise(600, ranks.rank));
      const total = variable('total', [1024]);
      const { graph, result: rows } = trace(() => {
        const add = () => addShared(total, flatten([mul(x, 2)]), input('position', [1], 'u32'), least);
        if (place === 'behind') add();
        const rows = mul(allGather(x, { processes: 3, label: 'rows' }), 1);
        if (place === 'before') add();
        return rows;
      });
      const program = await Program.compile(graph, state, { rows });
      const calls: string[] = [];
      const run = await program.runShared(
        { position: Uint32Array.of(0) },
        {
          gather(own, label) {
            calls.push(`gather ${label}`);
            return ranks.gather(own);
          },
          sum(values) {
            calls.push('sum');
            return ranks.sum(values);
          },
          idle: async (done) => void (await done),
        },
      );
      const left = { calls, sums: await state.read(total), ...(await run.read()) };
      program.destroy();
      state.destroy();
      return left;
    });
    const own = [0, 1, 2].map((rank) => noise(600, rank));
    const sums = own[0].map((_, i) => own.reduce((sum, values) => Math.fround(sum + 2 * values[i]), 0));
    for (const { calls, rows, sums: summed } of found) {
      expect(calls).toEqual(['gather rows', 'sum']); // one order on all, wherever they stand
      expect(rows).toEqual(Float32Array.from(own.flatMap((values) => [...values])));
      expect(summed.slice(0, 600)).toEqual(Float32Array.from(sums));
    }
  });

  it('sums behind the last rows of all are read while launches of the same run are still to come', async () => {
    const order: string[] = [];
    const { mapForReading } = gpu();
    const { submit } = gpu().device.queue;
    vi.spyOn(gpu(), 'mapForReading').mockImplementation((buffer) => {
      order.push('read');
      return mapForReading.call(gpu(), buffer);
    });
    vi.spyOn(gpu().device.queue, 'submit').mockImplementation((commands) => {
      order.push('submit');
      return submit.call(gpu().device.queue, commands);
    });
    const state = new State(gpu());
    const x = variable('x', [2, 300], () => noise(600, 1));
    const total = variable('total', [2048]);
    const { graph } = trace(() => {
      const rows = allGather(x, { processes: 1, label: 'rows' });
      addShared(total, flatten([mul(rows, 2), mul(rows, 3)]), input('position', [1], 'u32'), least);
    });
    const [ranks] = localRanks(1);
    const program = await Program.compile(graph, state);
    order.length = 0;
    await program.runShared(
      { position: Uint32Array.of(0) },
      {
        gather: (own) => ranks.gather(own),
        sum: (values) => ranks.sum(values),
        idle: async (done) => void (await done),
      },
    );
    vi.restoreAllMocks();
    // The rows; then each of two sums, the first before what makes the second.
    expect(order.filter((one) => one === 'read')).toHaveLength(3);
    expect(order.slice(0, 6)).toEqual(['submit', 'read', 'submit', 'read', 'submit', 'read']);
    program.destroy();
    state.destroy();
  });
});
