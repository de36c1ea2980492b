/** Sums that processes share while a program runs: the same as behind it, and begun before its end. */
import { expect, it } from 'vitest';
import { plan } from '../../src/graph/plan.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { input, trace, variable } from '../../src/graph/trace.ts';
import { addShared } from '../../src/ops/add_inplace.ts';
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
});
