import { expect } from 'vitest';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { flatVariable, type Graph, input, trace, variable } from '../../src/graph/trace.ts';
import { adam } from '../../src/optim/adam.ts';
import { lars } from '../../src/optim/lars.ts';
import type { Optimizer } from '../../src/optim/optimizer.ts';
import { sgd } from '../../src/optim/sgd.ts';
import { interpret, type Values } from '../reference/interpreter.ts';
import type { Device, GoldenCheck } from './harness.ts';

/** `hyper` of the metadata, in PyTorch's names. */
interface Hyper {
  readonly lr?: number;
  readonly betas?: [number, number];
  readonly eps?: number;
  readonly momentum?: number;
  readonly weight_decay?: number;
  readonly nesterov?: boolean;
  readonly eta?: number;
  readonly trust_coefficient?: number;
}

/** Options of PyTorch that our optimisers do not have, with the value under which both are the same. */
const absent: Readonly<Record<string, unknown>> = { dampening: 0, amsgrad: false, maximize: false };

/** What is left out has PyTorch's default. */
const makers: Record<string, (weights: Tensor, hyper: Hyper) => Optimizer> = {
  adam: (weights, { betas, eps, weight_decay: weightDecay = 0 }) => adam(weights, { betas, eps, weightDecay }),
  adamw: (weights, { betas, eps, weight_decay: weightDecay = 0.01 }) =>
    adam(weights, { betas, eps, weightDecay, decoupled: true }),
  sgd: (weights, { momentum = 0, weight_decay: weightDecay = 0, nesterov = false }) =>
    sgd(weights, { momentum, weightDecay, nesterov }),
  lars: (
    weights,
    { momentum = 0.9, weight_decay: weightDecay = 0, trust_coefficient = 0.001, eta = trust_coefficient },
  ) => lars(weights, { momentum, weightDecay, eta, adapted: () => true }),
};

/** p0, grad0 → p1, grad1 → p2, …: each p is compared with our own weights after as many steps. */
const check: GoldenCheck = async (file, device) => {
  const hyper = file.json<Hyper & Record<string, unknown>>('hyper');
  const name = file.metadata['optimizer'];
  expect(Object.keys(makers), 'optimisers that this test knows').toContain(name);
  for (const [option, value] of Object.entries(absent)) expect(hyper[option] ?? value, option).toBe(value);
  const first = file.get('p0');
  const parameter = variable('p', first.shape, () => first.data);
  const optimizer = makers[name](flatVariable('weights', [parameter]), hyper);
  const { step, end } = await stepper(device, parameter, optimizer);
  for (let t = 1; file.has(`p${t}`); t++) {
    const inputs = optimizer.scalars(t, hyper.lr ?? 1e-3);
    const ours = await step(file.get(`grad${t - 1}`).data, inputs);
    expectStep(t, ours, file.get(`p${t - 1}`).data, file.get(`p${t}`).data);
  }
  end();
  return undefined;
};

type Step = (gradient: Float32Array, scalars: Readonly<Record<string, Float32Array>>) => Promise<ArrayLike<number>>;

/** One update after another of the only member of flat weights; each gives its value. */
async function stepper(device: Device, parameter: Tensor, { update, state: moments }: Optimizer) {
  const weights = parameter.flat!.parent;
  const firstNonFinite = variable('first_non_finite', [1], undefined, 'u32');
  const { graph } = trace(() => update(input('gradients', weights.shape, 'f32'), firstNonFinite));
  const padded = (gradient: Float32Array) => Float32Array.from({ length: weights.size }, (_, i) => gradient[i] ?? 0);
  if (device === 'reference')
    return {
      step: referenceStep(graph, parameter, [weights, ...moments.map((m) => m.variable)], padded),
      end: () => {},
    };
  const state = new State(device);
  const program = await Program.compile(graph, state);
  const step: Step = (gradient, scalars) => {
    program.run({ gradients: padded(gradient), ...scalars });
    return state.read(parameter);
  };
  const end = () => {
    program.destroy();
    state.destroy();
  };
  return { step, end };
}

/** The same by the interpreter, which is given the values that the step before it left. */
function referenceStep(
  graph: Graph,
  parameter: Tensor,
  kept: readonly Tensor[],
  padded: (gradient: Float32Array) => Float32Array,
): Step {
  let values = new Map<Tensor, Values>();
  return async (gradient, scalars) => {
    const given: Record<string, Float32Array> = { gradients: padded(gradient), ...scalars };
    for (const tensor of graph.nodes.flatMap((node) => node.inputs))
      if (tensor.origin.kind === 'input') values.set(tensor, Float64Array.from(given[tensor.name]));
    const all = interpret(graph, values);
    values = new Map(kept.map((tensor) => [tensor, all.get(tensor)!]));
    return all.get(parameter)!;
  };
}

/**
 * PyTorch's values are f32 as well: both round the weight itself once a step (half an ulp each, so that they may be one ulp apart
 * after each) and the change by a few ε.
 */
function expectStep(step: number, ours: ArrayLike<number>, before: Float32Array, after: Float32Array): void {
  const change = before.reduce((most, value, i) => Math.max(most, Math.abs(after[i] - value)), 0);
  let worst = 0;
  for (let i = 0; i < after.length; i++) {
    const allowed = step * 2 ** -23 * Math.max(Math.abs(before[i]), Math.abs(after[i])) + step * 1e-6 * change;
    worst = Math.max(worst, Number.isNaN(ours[i]) ? Number.POSITIVE_INFINITY : Math.abs(ours[i] - after[i]) / allowed);
  }
  expect(worst, `p${step}: difference over what rounding allows`).toBeLessThanOrEqual(1);
}

export default check;
