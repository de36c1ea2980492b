/** Small random graphs of element-wise ops, views, batch norms and gradients, for property tests. */
import fc from 'fast-check';
import type { Tensor } from '../../src/graph/tensor.ts';
import { variable } from '../../src/graph/trace.ts';
import { add } from '../../src/ops/add.ts';
import { batchNorm, batchNormInference } from '../../src/ops/batch_norm.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { relu } from '../../src/ops/relu.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { noise } from '../ops/harness.ts';

const [rows, columns] = [6, 8];
const size = rows * columns;
const kinds = ['relu', 'add', 'reshape', 'batch_norm', 'batch_norm_inference', 'residual'] as const;

/** What a random graph is made of: each step takes earlier tensors by index, modulo how many there are. */
export interface Recipe {
  readonly steps: readonly { readonly kind: (typeof kinds)[number]; readonly a: number; readonly b: number }[];
  readonly outputs: readonly number[];
  readonly differentiate: boolean;
}

const index = fc.nat({ max: 30 });

export const recipes: fc.Arbitrary<Recipe> = fc.record({
  steps: fc.array(fc.record({ kind: fc.constantFrom(...kinds), a: index, b: index }), { minLength: 1, maxLength: 14 }),
  outputs: fc.array(index, { minLength: 1, maxLength: 3 }),
  differentiate: fc.boolean(),
});

/** Records the graph of a recipe. Returns the outputs, and the variables that it updates. */
export function build({ steps, outputs, differentiate }: Recipe) {
  const updated: Tensor[] = [];
  const leaf = (name: string, seed: number) => variable(name, [rows, columns], () => noise(size, seed));
  const targets = [leaf('x', 1), leaf('y', 2)];
  const made: Tensor[] = [...targets];
  const norm = () => {
    const channel = (name: string, seed: number, offset: number) =>
      variable(`${name}${updated.length}`, [columns], () => noise(columns, seed, 0.5, offset));
    const [runningMean, runningVar] = [channel('mean', 5, 0), channel('var', 6, 1)];
    updated.push(runningMean, runningVar);
    return { weight: channel('weight', 3, 1), bias: channel('bias', 4, 0), runningMean, runningVar };
  };
  const normalised = (x: Tensor) => batchNorm(reshape(x, [rows, columns]), norm());
  const pick = (i: number) => made[i % made.length];
  const flat = (x: Tensor) => reshape(x, [rows, columns]);
  const rules: Record<(typeof kinds)[number], (a: Tensor, b: Tensor) => Tensor> = {
    relu,
    add: (a, b) => add(flat(a), flat(b)),
    reshape: (a) => reshape(a, a.shape[0] === rows ? [columns, rows] : [rows, columns]),
    batch_norm: normalised,
    batch_norm_inference: (a) => batchNormInference(flat(a), norm()),
    residual: (a, b) => relu(add(normalised(a), flat(b))),
  };
  for (const { kind, a, b } of steps) made.push(rules[kind](pick(a), pick(b)));
  const results = outputs.map(pick);
  if (differentiate) {
    const loss = add(add(flat(made.at(-1)!), flat(targets[0])), flat(targets[1]));
    const dy = variable('dy', loss.shape, () => noise(size, 9));
    results.push(...gradients(loss, targets, dy));
  }
  return { outputs: Object.fromEntries(results.map((tensor, i) => [`out${i}`, tensor])), updated };
}
