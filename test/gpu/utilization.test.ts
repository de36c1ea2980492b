import { expect, it } from 'vitest';
import { UtilizationMeter, utilizationOf } from '../../src/gpu/utilization.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { trace } from '../../src/graph/trace.ts';
import { relu } from '../../src/ops/relu.ts';
import { onEveryAdapter, sample } from '../ops/harness.ts';

it('a device waits between the end of a pass and the beginning of the next', () => {
  expect(utilizationOf([0, 4, 5, 9, 9, 10])).toEqual({ total: 10, waiting: 1 });
  expect(utilizationOf([0, 4, 3, 9])).toEqual({ total: 9, waiting: 0 }); // passes that overlap
  expect(utilizationOf([])).toEqual({ total: 0, waiting: 0 });
});

onEveryAdapter((gpu) => {
  it('a host that dawdles between runs is seen to keep the device waiting', async () => {
    const { graph, result: y } = trace(() => relu(sample('x', [1 << 16])));
    const state = new State(gpu());
    const program = await Program.compile(graph, state, {}, { keep: [y] });
    const watch = async (pause: number) => {
      const meter = new UtilizationMeter(gpu());
      for (let run = 0; run < 4; run++) {
        program.run();
        await gpu().device.queue.onSubmittedWorkDone();
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
      return meter.finish();
    };
    const { total, waiting } = await watch(50);
    expect(waiting).toBeGreaterThan(100);
    expect(total).toBeGreaterThan(waiting);
    expect(gpu().passTimer).toBeUndefined();
    program.destroy();
    state.destroy();
  });
});
