import { expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import type { Shape, Tensor } from '../../src/graph/tensor.ts';
import { flatVariable, input, trace, variable } from '../../src/graph/trace.ts';
import { checkFiniteGradients } from '../../src/ops/check_finite.ts';
import { adam } from '../../src/optim/adam.ts';
import { lars } from '../../src/optim/lars.ts';
import type { Optimizer } from '../../src/optim/optimizer.ts';
import type { Rates } from '../../src/optim/rates.ts';
import { sgd } from '../../src/optim/sgd.ts';
import { interpret, type Values } from '../reference/interpreter.ts';
import { compare, noise, onEveryAdapter } from './harness.ts';

interface Model {
  readonly weights: Tensor;
  readonly firstNonFinite: Tensor;
  readonly optimizer: Optimizer;
}

const shapes: readonly Shape[] = [[1], [7, 9], [64], [65], [3, 1367], [4160]];

function makeModel(
  make: (weights: Tensor) => Optimizer,
  first = shapes.map((shape, seed) => ({ shape, data: noise(sizeOf(shape), seed + 11) })),
): Model {
  const members = first.map(({ shape, data }, index) => variable(`p${index}`, shape, () => data));
  const weights = flatVariable('weights', members);
  return { weights, firstNonFinite: variable('first_non_finite', [1], undefined, 'u32'), optimizer: make(weights) };
}

const sizeOf = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);

/** Gradients of one step in the flat layout, zero in the padding. */
function flatGradients({ weights }: Model, of: (index: number, size: number) => ArrayLike<number>): Float32Array {
  const whole = new Float32Array(weights.size);
  for (const [index, { flat, size }] of weights.members.entries()) whole.set(of(index, size), flat!.offset);
  return whole;
}

interface Step {
  readonly gradients: Float32Array;
  readonly lr: number | readonly Rates[];
  readonly loss?: number;
}

/** The same graph run for some steps by the device and by the reference; returns all that it updated, by name. */
async function runSteps(gpu: Gpu, model: Model, steps: readonly Step[]) {
  const { weights, firstNonFinite, optimizer } = model;
  const { graph } = trace(() => {
    const gradients = input('gradients', [weights.size], 'f32');
    checkFiniteGradients(gradients, input('loss', [1], 'f32'), input('step', [1], 'u32'), firstNonFinite);
    optimizer.update(gradients, firstNonFinite);
  });
  const inputs = new Set(graph.nodes.flatMap((node) => node.inputs.filter((tensor) => tensor.origin.kind === 'input')));
  const updated = [weights, firstNonFinite, ...optimizer.state.map(({ variable }) => variable)];
  const state = new State(gpu);
  const program = await Program.compile(graph, state, {}, { inspect: true });
  let reference = new Map<Tensor, Values>();
  for (const [index, { gradients, lr, loss = 1 }] of steps.entries()) {
    const given = {
      gradients,
      loss: Float32Array.of(loss),
      step: Uint32Array.of(index + 1),
      ...optimizer.scalars(index + 1, lr),
    };
    program.run(given);
    for (const tensor of inputs) reference.set(tensor, Float64Array.from(given[tensor.name as keyof typeof given]));
    const values = interpret(graph, reference);
    reference = new Map(updated.map((tensor) => [tensor, values.get(tensor)!]));
  }
  const actual = await state.readAll(updated);
  expect(await program.damagedGuards()).toEqual([]);
  program.destroy();
  state.destroy();
  return updated.map((tensor) => ({
    name: tensor.name,
    actual: actual.get(tensor)!,
    expected: reference.get(tensor)!,
  }));
}

const makers: Record<string, (weights: Tensor) => Optimizer> = {
  adam: (weights) => adam(weights, { weightDecay: 0.1 }),
  adamw: (weights) => adam(weights, { weightDecay: 0.1, decoupled: true }),
  sgd: (weights) => sgd(weights, { weightDecay: 0.1 }),
  'sgd without momentum': (weights) => sgd(weights, { momentum: 0 }),
  'sgd with nesterov': (weights) => sgd(weights, { weightDecay: 0.1, nesterov: true }),
  lars: (weights) => lars(weights, { weightDecay: 0.1 }),
};

const padding = ({ weights }: Model, values: ArrayLike<number>): number[] => {
  const inside = new Set(
    weights.members.flatMap(({ flat, size }) => Array.from({ length: size }, (_, i) => flat!.offset + i)),
  );
  return Array.from(values).filter((_, i) => !inside.has(i));
};

onEveryAdapter((gpu) => {
  it.each(Object.entries(makers))('%s equals the reference after three steps', async (_name, make) => {
    const model = makeModel(make);
    const steps = [0, 1, 2].map((step) => ({
      gradients: flatGradients(model, (index, size) => noise(size, 100 * step + index, 0.3)),
      lr: 0.01 * (step + 1),
    }));
    const results = await runSteps(gpu(), model, steps);
    for (const { name, actual, expected } of results) compare(name, actual, expected, 1e-6);
    for (const { actual } of results.slice(0, 1))
      expect(padding(model, actual).every((value) => value === 0)).toBe(true);
  });

  it.each(['adam', 'adamw', 'sgd', 'lars'])('%s gives each parameter the rates of its row', async (name) => {
    const options = { weightDecay: 0.3, rowOf: ({ shape }: Tensor) => shape.length - 1 };
    const make: Record<string, (weights: Tensor) => Optimizer> = {
      adam: (weights) => adam(weights, options),
      adamw: (weights) => adam(weights, { ...options, decoupled: true }),
      sgd: (weights) => sgd(weights, options),
      lars: (weights) => lars(weights, options),
    };
    const model = makeModel(make[name]);
    const gradients = flatGradients(model, (index, size) => noise(size, 100 + index, 0.3));
    const still = { lr: 0, weightDecay: 0.5 };
    const steps = [
      { gradients, lr: [{ lr: 0.02, weightDecay: 0 }, { lr: 0.01 }] },
      { gradients, lr: [still, { lr: 0.1 }] },
    ];
    const results = await runSteps(gpu(), model, steps);
    for (const { name: tensor, actual, expected } of results) compare(tensor, actual, expected, 1e-6);
    expect(() => model.optimizer.scalars(1, 0.1)).toThrow('takes 2 rows of rates, not 1');
  });

  it('decay reaches only the parameters of the row that has it', async () => {
    const model = makeModel((weights) => sgd(weights, { rowOf: ({ shape }) => Number(shape.length > 1) }));
    const rows = [{ lr: 0.5 }, { lr: 0.5, weightDecay: 1 }];
    const [{ actual }] = await runSteps(gpu(), model, [{ gradients: new Float32Array(model.weights.size), lr: rows }]);
    for (const [index, { shape, size, flat }] of model.weights.members.entries()) {
      const factor = shape.length > 1 ? 0.5 : 1;
      const expected = noise(size, index + 11).map((value) => factor * value);
      expect(actual.slice(flat!.offset, flat!.offset + size), `[${shape}]`).toEqual(expected);
    }
  });

  it('weight decay alone tells Adam, which moves by lr·sign θ, from AdamW, which moves by lr·wd·θ', async () => {
    const data = noise(100, 5);
    const step = async (decoupled: boolean) => {
      const model = makeModel((weights) => adam(weights, { weightDecay: 0.5, decoupled }), [{ shape: [100], data }]);
      const [{ actual }] = await runSteps(gpu(), model, [
        { gradients: new Float32Array(model.weights.size), lr: 0.125 },
      ]);
      return actual.subarray(0, 100);
    };
    compare(
      'coupled',
      await step(false),
      Float64Array.from(data, (x) => x - 0.125 * Math.sign(x)),
      2e-5,
    ); // ε = 1e-8 beside wd·θ
    compare(
      'decoupled',
      await step(true),
      Float64Array.from(data, (x) => x * (1 - 0.125 * 0.5)),
      1e-6,
    );
  });

  it('LARS adapts a matrix and leaves a bias alone; a norm of 0 counts as a ratio of 1', async () => {
    const model = makeModel(
      (weights) => lars(weights, { weightDecay: 0.5 }),
      [
        { shape: [1, 2], data: Float32Array.of(3, 4) },
        { shape: [2], data: Float32Array.of(3, 4) },
        { shape: [1, 2], data: Float32Array.of(0, 0) },
      ],
    );
    const gradients = flatGradients(model, () => [-1.5, 6]);
    const [{ actual }] = await runSteps(gpu(), model, [{ gradients, lr: 2 }]);
    // g + 0.5 θ = (0, 8), ‖θ‖ = 5: ratio 0.001 · 5 / 8. The bias takes lr · g, and so does the matrix of zeros.
    const expected = [3, 4 - 2 * 0.001 * (5 / 8) * 8, 3 + 2 * 1.5, 4 - 2 * 6, 3, -12];
    compare(
      'weights',
      Float32Array.from(model.weights.members.flatMap(({ flat }) => [actual[flat!.offset], actual[flat!.offset + 1]])),
      Float64Array.from(expected),
      1e-6,
    );
  });

  it.each([
    ['a gradient that is NaN', Number.NaN, 1],
    ['a gradient that is infinite', Number.NEGATIVE_INFINITY, 1],
    ['a loss that is NaN', 0, Number.NaN],
    ['a loss that is infinite', 0, Number.POSITIVE_INFINITY],
  ])('%s at step 2 stops every optimiser and is remembered', async (_name, gradient, loss) => {
    for (const make of Object.values(makers)) {
      const model = makeModel(make);
      const gradients = flatGradients(model, (index, size) => noise(size, index, 0.3));
      const bad = gradients.with(model.weights.members[4].flat!.offset + 4099, gradient);
      const good = await runSteps(gpu(), model, [{ gradients, lr: 0.01 }]);
      const broken = await runSteps(gpu(), model, [
        { gradients, lr: 0.01 },
        { gradients: bad, lr: 0.01, loss },
        { gradients, lr: 0.01 },
        { gradients: bad, lr: 0.01, loss },
      ]);
      expect(broken[1].actual).toEqual(Uint32Array.of(2));
      for (const [index, { name, actual }] of good.entries()) {
        if (name !== 'first_non_finite') expect(broken[index].actual).toEqual(actual);
      }
    }
  });
});
