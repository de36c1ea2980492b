import { describe, expect, it } from 'vitest';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import type { Shape } from '../../src/graph/tensor.ts';
import { trace, variable } from '../../src/graph/trace.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { maxPool2d } from '../../src/ops/max_pool.ts';
import { type Case, noise, onEveryAdapter, sample, testCases, testGradient } from './harness.ts';

type Window = readonly [kernel: number, stride: number, padding: number];

function pool(shape: Shape, [kernel, stride, padding]: Window, kind: 'noise' | 'ties' | 'negative' = 'noise'): Case {
  const size = shape.reduce((a, b) => a * b, 1);
  const values = {
    noise: () => noise(size, 5),
    // four values only: most windows have several largest ones
    ties: () => noise(size, 6, 2).map(Math.round),
    negative: () => noise(size, 7, 1, -2),
  };
  return {
    name: `[${shape}] ${kind}, kernel ${kernel}, stride ${stride}, padding ${padding}`,
    build() {
      const x = variable('x', shape, values[kind]);
      const y = maxPool2d(x, { kernel, stride, padding });
      const [dx] = gradients(y, [x], sample('dy', y.shape));
      return { y, argmax: y.node!.outputs[1], dx };
    },
    tolerance: kernel > stride ? undefined : 0,
  };
}

const stem: Window = [3, 2, 1];

testCases([
  pool([1, 1, 1, 1], stem),
  pool([2, 2, 3, 4], stem),
  pool([2, 7, 5, 3], stem),
  pool([3, 12, 11, 8], stem),
  pool([1, 48, 48, 64], stem),
  pool([2, 13, 17, 65], stem),
  pool([3, 12, 11, 8], stem, 'ties'),
  pool([2, 9, 9, 5], stem, 'ties'),
  pool([2, 6, 7, 4], stem, 'negative'),
  pool([2, 6, 7, 4], [2, 2, 0]),
  pool([2, 7, 9, 5], [2, 2, 1], 'negative'),
  pool([2, 9, 7, 4], [2, 3, 0]),
  pool([1, 9, 8, 4], [5, 1, 2], 'ties'),
  pool([2, 5, 4, 7], [1, 1, 0]),
]);

testGradient('max_pool', () => {
  const x = sample('x', [1, 5, 6, 2]);
  const y = maxPool2d(x, { kernel: 3, stride: 2, padding: 1 });
  const dy = sample('dy', y.shape);
  return { y, dy, targets: [x], dx: gradients(y, [x], dy) };
});

describe('rules', () => {
  const build = (shape: Shape, [kernel, stride, padding]: Window) =>
    trace(() => maxPool2d(sample('x', shape), { kernel, stride, padding }));

  it('refuses windows that do not fit', () => {
    expect(() => build([4, 4, 4], stem)).toThrow('[N, H, W, C]');
    expect(() => build([1, 4, 4, 1], [3, 2, 2])).toThrow('half the kernel');
    expect(() => build([1, 4, 2, 1], [3, 1, 0])).toThrow('must fit');
  });
});

onEveryAdapter((gpu) => {
  it.each([1, 4])('NaN wins, −∞ beats only padding: %i channels', async (channels) => {
    const spread = (values: number[]) => Float32Array.from(values.flatMap((value) => Array(channels).fill(value)));
    const { NaN: nan, NEGATIVE_INFINITY: low } = Number;
    const { graph, result } = trace(() => {
      const x = variable('x', [1, 2, 6, channels], () => spread([3, nan, 1, 2, low, low, 4, 5, nan, 1, low, low]));
      const y = maxPool2d(x, { kernel: 2, stride: 2, padding: 0 });
      const [dx] = gradients(
        y,
        [x],
        variable('dy', [1, 1, 3, channels], () => spread([1, 2, 3])),
      );
      return { y, argmax: y.node!.outputs[1], dx };
    });
    const state = new State(gpu());
    const program = await Program.compile(graph, state, result);
    const { y, argmax, dx } = await program.run().read();
    expect(y).toEqual(spread([nan, nan, low]));
    expect(argmax).toEqual(Uint32Array.from(spread([1, 8, 4])));
    expect(dx).toEqual(spread([0, 1, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0]));
    program.destroy();
    state.destroy();
  });
});
