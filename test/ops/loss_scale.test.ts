import { expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { flatVariable, input, trace, variable } from '../../src/graph/trace.ts';
import { cast } from '../../src/ops/cast.ts';
import { f16Copy, f16Weight } from '../../src/ops/f16_copy.ts';
import { adam } from '../../src/optim/adam.ts';
import { lars } from '../../src/optim/lars.ts';
import { LossScaling } from '../../src/optim/loss_scaling.ts';
import type { Optimizer } from '../../src/optim/optimizer.ts';
import { sgd } from '../../src/optim/sgd.ts';
import { interpret, type Values } from '../reference/interpreter.ts';
import { compare, noise, onEveryAdapter } from './harness.ts';

const makers: Record<string, (weights: Tensor) => Optimizer> = {
  adam: (weights) => adam(weights, { weightDecay: 0.1 }),
  adamw: (weights) => adam(weights, { weightDecay: 0.1, decoupled: true }),
  sgd: (weights) => sgd(weights, { weightDecay: 0.1, nesterov: true }),
  lars: (weights) => lars(weights, { weightDecay: 0.1 }),
};

interface Step {
  /** Value of every gradient's first element in place of what the formula gives. */
  readonly fault?: number;
  readonly loss?: number;
}

const growthInterval = 2;

/** Steps with scaled gradients on the device and by the reference; gives all that they updated, by name. */
async function runSteps(gpu: Gpu, make: (weights: Tensor) => Optimizer, steps: readonly Step[], firstScale = 1024) {
  const members = [[3, 65], [7], [5, 1000]].map((shape, i) =>
    variable(`p${i}`, shape, () =>
      noise(
        shape.reduce((a, b) => a * b, 1),
        i + 11,
      ),
    ),
  );
  const weights = flatVariable('weights', members);
  const copy = f16Copy(weights);
  const optimizer = make(weights);
  const scaling = new LossScaling({ growthInterval, growth: 2, backoff: 0.5 });
  const firstNonFinite = variable('first_non_finite', [1], undefined, 'u32');
  const { graph } = trace(() => {
    const gradients = input('gradients', [weights.size], 'f32');
    const scalerStep = scaling.step(gradients, input('loss', [1], 'f32'), input('step', [1], 'u32'), firstNonFinite);
    optimizer.update(gradients, firstNonFinite, { scalerStep, copy });
  });
  const inputs = new Set(graph.nodes.flatMap((node) => node.inputs.filter(({ origin }) => origin.kind === 'input')));
  const kept = [weights, copy, firstNonFinite, scaling.scale, scaling.counts];
  const updated = [...kept, ...optimizer.state.map((entry) => entry.variable)];
  const state = new State(gpu);
  state.write(scaling.scale, Float32Array.of(firstScale));
  const program = await Program.compile(graph, state, {}, { inspect: true });
  let reference = new Map<Tensor, Values>([[scaling.scale, Float64Array.of(firstScale)]]);
  const scales: number[] = [];
  for (const [index, { fault, loss = 1 }] of steps.entries()) {
    const scale = reference.get(scaling.scale)![0];
    const gradients = new Float32Array(weights.size);
    for (const { flat, size } of members) gradients.set(noise(size, 100 * index + size, 0.3 * scale), flat!.offset);
    if (fault !== undefined) gradients[0] = fault;
    const given = {
      gradients,
      loss: Float32Array.of(loss),
      step: Uint32Array.of(index + 1),
      ...optimizer.scalars(index + 1, 0.01),
    };
    program.run(given);
    for (const tensor of inputs) reference.set(tensor, Float64Array.from(given[tensor.name as keyof typeof given]));
    const values = interpret(graph, reference);
    reference = new Map(updated.map((tensor) => [tensor, values.get(tensor)!]));
    scales.push(reference.get(scaling.scale)![0]);
  }
  const actual = await state.readAll(updated);
  expect(await program.damagedGuards()).toEqual([]);
  program.destroy();
  state.destroy();
  const of = (tensor: Tensor) => ({ name: tensor.name, actual: actual.get(tensor)!, expected: reference.get(tensor)! });
  return {
    all: updated.map(of),
    weights: of(weights),
    copy: of(copy),
    counts: of(scaling.counts),
    scales,
    firstNonFinite: of(firstNonFinite),
  };
}

onEveryAdapter((gpu) => {
  const needsF16 = (skip: (note: string) => void) => {
    if (!gpu().traits.features.has('shader-f16')) skip("the adapter has no 'shader-f16'");
  };

  it.for(Object.entries(makers))(
    '%s: weights, copies and scale equal the reference’s; two steps are skipped',
    async ([, make], { skip }) => {
      needsF16(skip);
      const steps = [{}, { fault: Infinity }, {}, {}, { fault: NaN }, {}];
      const { all, copy, scales, counts, firstNonFinite } = await runSteps(gpu(), make, steps);
      for (const { name, actual, expected } of all)
        compare(name, actual, expected, name.endsWith('f16') ? 2 ** -10 : 2e-6);
      expect(scales).toEqual([1024, 512, 512, 1024, 512, 512]);
      expect(Array.from(counts.actual)).toEqual([1, 4, 2]);
      expect(copy.actual.some((value) => value !== 0)).toBe(true);
      expect(firstNonFinite.actual[0]).toBe(0);
    },
  );

  it.for([
    ['the loss is not finite', [{}, { loss: NaN }, {}], 1024, [1024, 1024, 1024]],
    ['no scale helps', [{}, { fault: NaN }, { fault: NaN }, {}], 2, [2, 1, 1, 1]],
  ] as const)('stops for good where %s', async ([, steps, scale, expected], { skip }) => {
    needsF16(skip);
    const { all, firstNonFinite, scales } = await runSteps(gpu(), makers.adam, steps, scale);
    for (const { name, actual, expected } of all)
      compare(name, actual, expected, name.endsWith('f16') ? 2 ** -10 : 2e-6);
    expect(scales).toEqual(expected);
    expect(firstNonFinite.actual[0]).toBe(
      steps.findIndex((step, i) => 'loss' in step || ('fault' in step && i === 2)) + 1,
    );
  });

  it('Adam’s corrections on the device are right at any step', async ({ skip }) => {
    needsF16(skip);
    for (const done of [0, 20, 499, 501, 1e5]) {
      const { weights } = await runCorrections(gpu(), done);
      compare(`after ${done} steps`, weights.actual, weights.expected, 1e-6);
    }
  });

  it('a copy is never older than its weights, whatever changed them', async ({ skip }) => {
    needsF16(skip);
    const member = variable('w', [130], () => noise(130, 1));
    const state = new State(gpu());
    expect((await state.read(member))[0]).toBe(noise(130, 1)[0]); // it has a buffer of its own before it is laid into another
    const weights = flatVariable('weights', [member]);
    f16Copy(weights);
    const { graph, result } = trace(() => ({ y: cast(f16Weight(member), 'f32') }));
    const program = await Program.compile(graph, state, result);
    const rounded = async () => (await program.run().read()).y;
    const near = (values: Float32Array, expected: Float32Array) =>
      compare('copy', values as Float32Array, Float64Array.from(expected), 2 ** -11);
    near((await rounded()) as Float32Array, noise(130, 1));
    state.write(member, noise(130, 2));
    near((await rounded()) as Float32Array, noise(130, 2));
    // an update that knows of no copy
    const update = trace(() =>
      sgd(weights, { momentum: 0 }).update(input('g', weights.shape, 'f32'), variable('bad', [1], undefined, 'u32')),
    );
    const plain = await Program.compile(update.graph, state);
    plain.run({ g: new Float32Array(weights.size).fill(1), 'optimizer_scalars of weights': Float32Array.of(0.5, 0) });
    near(
      (await rounded()) as Float32Array,
      noise(130, 2).map((value) => value - 0.5),
    );
    program.destroy();
    plain.destroy();
    state.destroy();
  });
});

/** One step of Adam after `done` good ones, its moments at zero. */
async function runCorrections(gpu: Gpu, done: number) {
  const member = variable('p', [512], () => noise(512, 3));
  const weights = flatVariable('weights', [member]);
  const optimizer = adam(weights);
  const { graph } = trace(() =>
    optimizer.update(input('gradients', [512], 'f32'), input('unused', [1], 'u32'), {
      scalerStep: input('scalerStep', [2], 'f32'),
      copy: f16Copy(weights),
    }),
  );
  const given: Record<string, Float32Array> = {
    gradients: noise(512, 4),
    scalerStep: Float32Array.of(1, done + 1),
    ...optimizer.scalars(1, 1),
  };
  const state = new State(gpu);
  const program = await Program.compile(graph, state);
  program.run(given);
  const actual = await state.read(weights);
  const inputs = graph.nodes.flatMap((node) => node.inputs.filter(({ origin }) => origin.kind === 'input'));
  const values = interpret(graph, new Map(inputs.map((tensor) => [tensor, Float64Array.from(given[tensor.name])])));
  program.destroy();
  state.destroy();
  return { weights: { actual, expected: values.get(weights)! } };
}
