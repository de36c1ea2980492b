import { expect, it } from 'vitest';
import { State } from '../../src/graph/state.ts';
import { flatVariable, variable } from '../../src/graph/trace.ts';
import { onEveryAdapter } from '../ops/harness.ts';

onEveryAdapter((gpu) => {
  it('a variable keeps its value when it is laid into a flat one', async () => {
    const state = new State(gpu());
    const before = gpu().bytes;
    const first = () => Float32Array.of(1, 2, 3);
    const [set, untouched] = [variable('set', [3], first), variable('untouched', [3], first)];
    state.write(set, Float32Array.of(7, 8, 9));
    flatVariable('flat', [set, untouched]);
    expect(await state.read(set)).toEqual(Float32Array.of(7, 8, 9));
    expect(await state.read(untouched)).toEqual(Float32Array.of(1, 2, 3));
    state.write(set, Float32Array.of(4), 1);
    expect((await state.readAll([set, untouched])).get(set)).toEqual(Float32Array.of(7, 4, 9));
    state.destroy();
    expect(gpu().bytes).toBe(before);
  });
});
