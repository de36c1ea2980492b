import { expect, it } from 'vitest';
import { BufferPool, memoryOf } from '../../src/graph/buffer_pool.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { input, trace, variable } from '../../src/graph/trace.ts';
import { add } from '../../src/ops/add.ts';
import { flatten } from '../../src/ops/flatten.ts';
import { relu } from '../../src/ops/relu.ts';
import { noise, onEveryAdapter } from '../ops/harness.ts';

/** Three intermediates, and a flat tensor with padding that must stay zero. */
const large = () => {
  const a = relu(input('a', [192], 'f32'));
  const b = relu(add(a, a));
  return { y: add(b, a), flat: flatten([relu(input('part', [5], 'f32')), relu(b)]) };
};
/** Smaller ones, and two for which only the flat tensor above would be large enough. */
const small = () => {
  const x = relu(input('x', [100], 'f32'));
  return { y: relu(add(x, x)), wide: relu(relu(input('wide', [250], 'f32'))) };
};
const inputs = {
  a: noise(192, 1),
  part: noise(5, 2),
  x: noise(100, 3),
  wide: noise(250, 4),
};

onEveryAdapter((gpu) => {
  const compile = async (build: () => Record<string, Tensor>, state: State, pool?: BufferPool) => {
    const { graph, result } = trace(build);
    return Program.compile(graph, state, result, { pool });
  };

  it('programs that share memory give what each gives alone, whichever ran before', async () => {
    const state = new State(gpu());
    const alone = [await compile(large, state), await compile(small, state)];
    const expected = [await alone[0].run(inputs).read(), await alone[1].run(inputs).read()];
    const pool = new BufferPool(gpu());
    const shared = [await compile(large, state, pool), await compile(small, state, pool)];
    for (const turn of [0, 1, 0, 0, 1]) expect(await shared[turn].run(inputs).read()).toEqual(expected[turn]);
    for (const program of [...alone, ...shared]) program.destroy();
    pool.release();
    gpu().trim();
  });

  it('takes the bytes that the plans say, fewer than without sharing, and gives them all back', async () => {
    gpu().trim();
    const bytes = gpu().bytes;
    const measure = async (pool?: BufferPool) => {
      const state = new State(gpu());
      const w = variable('w', [64], () => noise(64));
      const both = [() => ({ ...large(), w }), () => ({ z: relu(w), ...small() })];
      const programs: Program[] = [];
      for (const build of both) programs.push(await compile(build, state, pool));
      const used = gpu().bytes - bytes;
      for (const program of programs) program.destroy();
      pool?.release();
      state.destroy();
      gpu().trim();
      return { used, plans: programs.map(({ plan }) => plan) };
    };
    const shared = await measure(new BufferPool(gpu()));
    const apart = await measure();
    const { intermediates, leaves } = memoryOf(shared.plans);
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
    const outputs = sum(shared.plans.flatMap((plan) => plan.outputs.map(({ size }) => 4 * size * 4)));
    const params = sum(shared.plans.map(({ launches }) => launches.length * 256));
    expect(shared.used).toBe(intermediates + leaves + outputs + params);
    const saved = sum(apart.plans.flatMap(({ bufferSizes }) => bufferSizes)) - intermediates;
    expect(saved).toBeGreaterThan(0);
    expect(apart.used - shared.used).toBe(saved);
    expect(gpu().bytes).toBe(bytes);
  });
});
