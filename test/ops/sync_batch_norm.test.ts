/** Batch norm of several processes by the statistics of all of them: what one process makes of all rows. */
import { expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import type { Data, Shape, Tensor } from '../../src/graph/tensor.ts';
import { trace, variable } from '../../src/graph/trace.ts';
import { add } from '../../src/ops/add.ts';
import { batchNorm } from '../../src/ops/batch_norm.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { relu } from '../../src/ops/relu.ts';
import { localRanks, onAll } from '../mpi/local_ranks.ts';
import { noise, onEveryAdapter, relativeError } from './harness.ts';

interface Case {
  /** Of all processes. */
  readonly shape: Shape;
  readonly processes: number;
  readonly dtype?: 'f32' | 'f16';
  /** Where the rows lie: the first at this value, each process's further away by it. */
  readonly offset?: number;
}

type Values = Readonly<Record<string, Data>>;

const rowsOf = ([rows, ...more]: Shape, part: number, parts: number, values: Float32Array): Float32Array => {
  const each = (rows / parts) * more.reduce((a, b) => a * b, 1);
  return values.slice(part * each, (part + 1) * each);
};

/** Alone and with ReLU, a residual and a second batch norm in front: forward, backward and running statistics of a part of the rows. */
async function run(gpu: Gpu, { shape, dtype, offset = 0 }: Case, part: number, parts: number, ranks = 1) {
  const [rows, ...more] = shape;
  const channels = shape.at(-1)!;
  const state = new State(gpu);
  const own = (name: string, seed: number, far = 0) => {
    const all = noise(
      shape.reduce((a, b) => a * b, 1),
      seed,
    ).map((value, i) => value + far * (1 + Math.floor((i / shape.reduce((a, b) => a * b, 1)) * 2)));
    return variable(name, [rows / parts, ...more], () => rowsOf(shape, part, parts, all), dtype);
  };
  const vector = (name: string, seed: number) => variable(name, [channels], () => noise(channels, seed, 0.5, 1.5));
  const options = {
    ...{ weight: vector('weight', 3), bias: vector('bias', 4) },
    ...{ runningMean: vector('running_mean', 5), runningVar: vector('running_var', 6) },
  };
  const inner = { ...options, runningMean: vector('mean of another', 7), runningVar: vector('var of another', 8) };
  const { graph, result } = trace(() => {
    const x = own('x', 1, offset);
    const plain = batchNorm(x, { ...options, processes: ranks });
    const y = relu(add(batchNorm(relu(plain), { ...inner, processes: ranks }), x));
    const [dx, dweight, dbias] = gradients(y, [x, options.weight, options.bias], own('dy', 2));
    return { plain, y, dx, dweight, dbias };
  });
  const program = await Program.compile(graph, state, result as Record<string, Tensor>);
  const finish = async (values: Values): Promise<Values> => {
    const running = await state.readAll([options.runningMean, options.runningVar, inner.runningVar]);
    program.destroy();
    const [mean, variance, other] = running.values();
    state.destroy();
    return { ...values, mean, variance, other };
  };
  return { program, finish };
}

async function compare(gpu: Gpu, of: Case): Promise<void> {
  const { processes } = of;
  const tolerance = of.dtype === 'f16' ? 8e-3 : 2e-5; // of f16 several roundings follow each other
  const one = await run(gpu, of, 0, 1);
  const whole = await one.finish(await one.program.run().read());
  const parts = await onAll(localRanks(processes), async (ranks) => {
    const { program, finish } = await run(gpu, of, ranks.rank, processes, processes);
    expect(() => program.run()).toThrow(/other processes/);
    const peers = { gather: (own: Float32Array) => ranks.gather(own), idle: async () => {} };
    return finish(await (await program.runShared({}, peers)).read());
  });
  const { dx, plain, y, dweight, dbias, ...running } = whole;
  for (const [name, values] of Object.entries({ dx, plain, y })) {
    const joined = Float32Array.from(parts.flatMap((part) => Array.from(part[name])));
    expect(relativeError(joined, values), name).toBeLessThan(tolerance);
  }
  for (const [name, values] of Object.entries({ dweight, dbias })) {
    const sum = values.map((_, c) => parts.reduce((total, part) => total + part[name][c], 0));
    expect(relativeError(sum, values), name).toBeLessThan(tolerance);
  }
  for (const [name, values] of Object.entries(running))
    for (const part of parts) {
      expect(relativeError(part[name], values), name).toBeLessThan(tolerance);
      expect(part[name], 'the same bits everywhere').toEqual(parts[0][name]);
    }
}

const cases: readonly Case[] = [
  { shape: [8, 3, 5, 8], processes: 2 },
  { shape: [6, 2, 2, 5], processes: 3 },
  { shape: [4, 7], processes: 4 },
  { shape: [4, 61, 59, 4], processes: 2 },
  { shape: [8, 3, 5, 8], processes: 2, offset: 1000 },
  { shape: [4, 3, 3, 12], processes: 2, dtype: 'f16' },
];

onEveryAdapter((gpu) => {
  it.for(cases)('$shape over $processes processes $dtype $offset', async (of, { skip }) => {
    if (of.dtype === 'f16' && !gpu().traits.features.has('shader-f16')) skip('the adapter has no shader-f16');
    await compare(gpu(), of);
  });
});
