import { expect, it } from 'vitest';
import { plan, type VariantSelector } from '../../src/graph/plan.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { constant, flatVariable, input, trace, variable } from '../../src/graph/trace.ts';
import { add } from '../../src/ops/add.ts';
import { batchNorm } from '../../src/ops/batch_norm.ts';
import { conv2d } from '../../src/ops/conv2d.ts';
import { flatten } from '../../src/ops/flatten.ts';
import { relu } from '../../src/ops/relu.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { sgdUpdate } from '../../src/ops/sgd.ts';
import { noise, onEveryAdapter } from '../ops/harness.ts';

onEveryAdapter((gpu) => {
  const compile = async (build: () => Record<string, Tensor>, options = {}) => {
    const { graph, result } = trace(build);
    const state = new State(gpu());
    return { state, program: await Program.compile(graph, state, result, options) };
  };

  it('inputs change from run to run, constants and compiled memory stay', async () => {
    const a = input('a', [3], 'f32');
    const { program } = await compile(() => ({ y: add(a, constant('c', Float32Array.of(1, 2, 3))) }));
    const bytes = gpu().bytes;
    for (let i = 0; i < 5; i++) {
      const { y } = await program.run({ a: Float32Array.of(i, i, -i) }).read();
      expect([...y]).toEqual([i + 1, i + 2, 3 - i]);
    }
    expect(gpu().bytes).toBe(bytes);
    program.destroy();
  });

  it('an input that is missing or has another size is named', async () => {
    const { program } = await compile(() => ({ y: relu(input('images', [2, 3], 'f32')) }));
    expect(() => program.run()).toThrow('input images f32[2, 3] was given nothing');
    expect(() => program.run({ images: new Float32Array(5) })).toThrow('input images f32[2, 3] was given 5 elements');
    program.destroy();
  });

  it('two inputs of one name are refused: only one of them could be written', async () => {
    const build = () => ({ y: add(input('x', [4], 'f32'), input('x', [4], 'f32')) });
    await expect(compile(build)).rejects.toThrow("two inputs are named 'x'");
  });

  it('outputs may be leaves, views, and the same tensor twice', async () => {
    const w = variable('w', [2, 3], () => Float32Array.of(1, 2, 3, -4, -5, -6));
    const { program } = await compile(() => {
      const y = relu(w);
      return { w, view: reshape(w, [6]), y, again: y };
    });
    const { w: leaf, view, y, again } = await program.run().read();
    expect([...leaf]).toEqual([1, 2, 3, -4, -5, -6]);
    expect(view).toEqual(leaf);
    expect([...y]).toEqual([1, 2, 3, 0, 0, 0]);
    expect(again).toEqual(y);
    program.destroy();
  });

  it('what is kept is computed and stays on the device without being an output', async () => {
    const x = input('x', [3], 'f32');
    const { graph, result: y } = trace(() => relu(x));
    const program = await Program.compile(graph, new State(gpu()), {}, { keep: [y] });
    expect(await program.run({ x: Float32Array.of(-1, 2, -3) }).read()).toEqual({});
    expect([...(await program.inspect(y))]).toEqual([0, 2, 0]);
    program.destroy();
  });

  it('the first variant of a node is taken, or the one that is chosen; one that is not there is named', async () => {
    const [x, w] = [constant('x', noise(36), [1, 3, 3, 4]), constant('w', noise(16), [4, 1, 1, 4])];
    const { graph, result: y } = trace(() => conv2d(x, w));
    const seen: string[][] = [];
    const kernelWith = (selectVariant?: VariantSelector) =>
      plan(graph, [y], gpu().traits, { selectVariant }).launches[0].kernel.name;
    const first = kernelWith((_node, names) => {
      seen.push([...names]);
      return undefined;
    });
    expect(first).toBe(kernelWith());
    expect(seen[0]).toContain('portable');
    expect(kernelWith(() => 'portable')).toBe('conv2d/implicit_gemm');
    expect(() => kernelWith(() => 'quantum')).toThrow("conv2d: has no variant 'quantum' (it has");
  });

  it('f16 variables and constants are rounded on their way to the device', async () => {
    const state = new State(gpu());
    const w = variable('w', [3], () => Float32Array.of(1, 1.0001, -70000), 'f16');
    expect([...(await state.read(w))]).toEqual([1, 1, Number.NEGATIVE_INFINITY]);
    state.destroy();
  });

  it('up to four runs may be unread, in any order; a fifth that nobody can read says so', async () => {
    const { program } = await compile(() => ({ y: relu(input('x', [1], 'f32')) }));
    const runs = [0, 1, 2, 3].map((i) => program.run({ x: Float32Array.of(i) }));
    const values = await Promise.all(runs.reverse().map((run) => run.read()));
    expect(values.map(({ y }) => y[0])).toEqual([3, 2, 1, 0]);
    const late = [0, 1, 2, 3].map((i) => program.run({ x: Float32Array.of(i) }));
    const reading = late.map((run) => run.read());
    await expect(program.run({ x: Float32Array.of(4) }).read()).rejects.toThrow('more than 4 runs have not been read');
    await Promise.all(reading);
    program.destroy();
  });

  it('updates of a variable happen in the order in which they were recorded', async () => {
    const [w, b] = [variable('w', [512], () => noise(512)), variable('b', [512])];
    const scalars = constant('lr and decay', Float32Array.of(1, 0), [1, 2]);
    const rows = constant('rows', new Uint32Array(1));
    const firstNonFinite = variable('first_non_finite', [1], undefined, 'u32');
    const update = (gradients: Tensor) =>
      sgdUpdate(
        { weights: w, momentumBuffer: b, gradients, scalars, rows, firstNonFinite },
        { momentum: 0, nesterov: false },
      );
    const { program, state } = await compile(() => {
      const before = relu(w);
      update(constant('all', new Float32Array(512).fill(2)));
      const between = relu(w);
      update(constant('less', new Float32Array(512).fill(-4)));
      return { before, between, after: relu(w) };
    });
    const values = await program.run().read();
    const start = noise(512);
    const expected = (shift: number) => Float32Array.from(start, (x) => Math.max(0, Math.fround(x + shift)));
    expect(values['before']).toEqual(expected(0));
    expect(values['between']).toEqual(expected(-2));
    for (const [i, value] of values['after'].entries()) expect(value).toBeCloseTo(start[i] + 2, 6);
    program.destroy();
    state.destroy();
  });

  it('padding between the members of a flat tensor is zero in every run, whatever lay in memory before', async () => {
    const x = input('x', [1536], 'f32');
    const { program } = await compile(() => {
      const before = relu(relu(x));
      return {
        sum: relu(add(before, before)),
        flat: flatten([relu(input('a', [3], 'f32')), relu(input('b', [513], 'f32'))]),
      };
    });
    for (let i = 0; i < 2; i++) {
      const ones = (size: number) => new Float32Array(size).fill(1);
      const { flat } = await program.run({ x: ones(1536), a: ones(3), b: ones(513) }).read();
      const expected = Float32Array.from({ length: 1536 }, (_, at) => Number(at < 3 || (at >= 512 && at < 512 + 513)));
      expect(flat).toEqual(expected);
    }
    program.destroy();
  });

  it('programs share the variables of a state', async () => {
    const channel = (name: string, value: number) => variable(name, [4], () => new Float32Array(4).fill(value));
    const [runningMean, runningVar] = [channel('mean', 0), channel('var', 1)];
    const norm = { weight: channel('weight', 1), bias: channel('bias', 0), runningMean, runningVar };
    const state = new State(gpu());
    const train = trace(() => {
      batchNorm(
        variable('x', [8, 4], () => new Float32Array(32).fill(10)),
        norm,
      );
    });
    const trainer = await Program.compile(train.graph, state);
    const reader = await compile(() => ({ y: relu(runningMean) }));
    const show = trace(() => ({ mean: relu(runningMean) }));
    const shower = await Program.compile(show.graph, state, show.result);
    expect(await trainer.run().read()).toEqual({});
    const { mean } = await shower.run().read();
    for (const value of mean) expect(value).toBeCloseTo(1, 6);
    const { y } = await reader.program.run().read();
    expect([...y]).toEqual([0, 0, 0, 0]);
    for (const program of [trainer, shower, reader.program]) program.destroy();
  });

  it('profile times every launch, with its label', async () => {
    if (!gpu().traits.features.has('timestamp-query')) {
      const { program } = await compile(() => ({ y: relu(input('x', [4], 'f32')) }));
      await expect(program.profile({ x: new Float32Array(4) })).rejects.toThrow('has no timestamp queries');
      return;
    }
    const { program } = await compile(() => {
      const x = relu(input('x', [200_000], 'f32'));
      return { y: add(relu(add(x, x)), x) };
    });
    const times = await program.profile({ x: noise(200_000) });
    expect(times.map(({ launch }) => launch.label)).toEqual(program.plan.launches.map(({ label }) => label));
    expect(times[0].launch.label).toBe('relu relu/forward [200000]');
    for (const { milliseconds } of times) expect(milliseconds).toBeGreaterThan(0);
    for (const { milliseconds } of times) expect(milliseconds).toBeLessThan(10_000);
    program.destroy();
  });

  it('memory of a destroyed program goes to the next one, and comes back cleared', async () => {
    const w = variable('w', [1000]);
    const first = await compile(() => ({ y: relu(input('x', [1000], 'f32')) }));
    await first.program.run({ x: new Float32Array(1000).fill(7) }).read();
    first.program.destroy();
    const bytes = gpu().bytes;
    const second = await compile(() => ({ y: relu(input('x', [1000], 'f32')), w }));
    second.program.destroy();
    second.state.destroy();
    expect(gpu().bytes).toBe(bytes);
    gpu().trim();
    expect(gpu().bytes).toBeLessThan(bytes);
  });
});

onEveryAdapter((gpu) => {
  it('a state reads and writes variables, members of flat ones, and ranges of both', async () => {
    const state = new State(gpu());
    const members = [variable('a', [3], () => Float32Array.of(1, 2, 3)), variable('b', [2, 2])];
    const flat = flatVariable('weights', members);
    expect([...(await state.read(members[0]))]).toEqual([1, 2, 3]);
    state.write(members[1], Float32Array.of(4, 5, 6, 7));
    state.write(members[1], Float32Array.of(9), 2);
    state.write(flat, Float32Array.of(8), 1);
    const whole = await state.read(flat);
    expect([...whole.subarray(0, 4), ...whole.subarray(512, 517)]).toEqual([1, 8, 3, 0, 4, 5, 9, 7, 0]);
    const all = await state.readAll([members[1], members[0], flat]);
    expect([...all.values()].map((data) => data.length)).toEqual([4, 3, 1024]);
    expect([...all.get(members[1])!]).toEqual([4, 5, 9, 7]);
    state.destroy();
  });

  it('a write of the wrong size is refused, and of what is no variable', async () => {
    const state = new State(gpu());
    const w = variable('w', [4], undefined, 'u32');
    expect(() => state.write(w, new Uint32Array(3))).toThrow('w u32[4] cannot be set to 3 elements at offset 0');
    expect(() => state.write(w, new Uint32Array(3), 2)).toThrow('w u32[4] cannot be set to 3 elements at offset 2');
    expect(() => state.write(input('x', [1], 'f32'), new Float32Array(1))).toThrow('x f32[1] is not a variable');
    expect(await state.read(w)).toEqual(new Uint32Array(4));
    state.destroy();
  });
});
