/** A thousand steps on every adapter: what leaks shows. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it, vi } from 'vitest';
import { Program } from '../src/graph/program.ts';
import { State } from '../src/graph/state.ts';
import { noise, onEveryAdapter } from './ops/harness.ts';
import { smallStep } from './small_step.ts';

vi.setConfig({ testTimeout: 600_000 });

onEveryAdapter((gpu) => {
  it('memory is flat over 1,000 steps of a small network', async () => {
    const state = new State(gpu());
    const { graph, outputs, optimizer } = smallStep();
    const program = await Program.compile(graph, state, outputs);
    const views = noise(8 * 8 * 8 * 4);
    const train = async (first: number, last: number) => {
      let loss = 0;
      for (let step = first; step <= last; step++) {
        const given = { views, step: Uint32Array.of(step), ...optimizer.scalars(step, 1e-3) };
        loss = (await program.run(given).read())['loss'][0];
      }
      return loss;
    };
    const start = await train(1, 200);
    const before = { gpu: gpu().bytes, ...memory() };
    const later: ReturnType<typeof memory>[] = [];
    let end = start;
    for (let step = 200; step < 1200; step += 200) {
      end = await train(step + 1, step + 200);
      later.push(memory());
    }
    // Allocators keep freed pages for a while, so one look says little; what leaks is there at every later look.
    const growth = (of: 'heap' | 'process') => Math.min(...later.slice(2).map((seen) => seen[of])) - before[of];
    expect(gpu().bytes).toBe(before.gpu);
    expect(growth('heap') / 2 ** 20, 'MiB that the heap grew by').toBeLessThan(2);
    expect(growth('process') / 2 ** 20, 'MiB that the process grew by').toBeLessThan(30);
    expect(end).toBeLessThan(start);
    program.destroy();
    state.destroy();
  });
});

/** Bytes of the heap and of the whole process, once what nothing refers to is collected. */
function memory(): { heap: number; process: number } {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, process: rss };
}
