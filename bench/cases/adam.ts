import { constant, flatLayout, variable } from '../../src/graph/trace.ts';
import { adamUpdate } from '../../src/ops/adam.ts';
import { rateRows } from '../../src/optim/rates.ts';
import { noise } from '../arrays.ts';
import type { ListItems } from '../benchmark.ts';
import { graphItem } from '../graph_implementation.ts';
import { SimClr } from '../simclr.ts';

/**
 * One update by Adam with coupled decay, PyTorch's formula, of all parameters laid into one array (those of the SimCLR model, with
 * a few elements of padding between them). The moments are zero before the first one. Values to compare, after the first update:
 * `weights`, `exp_avg`, `exp_avg_sq`.
 */
export interface AdamProblem {
  readonly weights: Float32Array;
  /** The same at each update. */
  readonly gradients: Float32Array;
  readonly lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weightDecay: number;
  /** Where each parameter lies, for peers that update tensor by tensor. */
  readonly offsets: readonly number[];
  readonly sizes: readonly number[];
}

const settings = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 1e-4 } as const;

function build({ weights, gradients, lr, betas: [beta1, beta2], ...problem }: AdamProblem) {
  const shape = [weights.length];
  const updated = {
    weights: variable('weights', shape, () => weights),
    exp_avg: variable('exp_avg', shape),
    exp_avg_sq: variable('exp_avg_sq', shape),
  };
  // Later updates repeat the first one's corrections: they are host work.
  const scalars = Float32Array.of(lr, lr / (1 - beta1), Math.sqrt(1 - beta2), problem.weightDecay);
  const tensors = {
    weights: updated.weights,
    expAvg: updated.exp_avg,
    expAvgSq: updated.exp_avg_sq,
    gradients: constant('gradients', gradients),
    scalars: constant('scalars', scalars, [1, 4]),
    rows: rateRows(updated.weights),
    firstNonFinite: constant('first_non_finite', new Uint32Array(1)),
  };
  adamUpdate(tensors, { beta1, beta2, eps: problem.eps, decoupled: false });
  return updated;
}

const list: ListItems<AdamProblem> = ({ quick }) => {
  const all = new SimClr().parameters.map(({ tensor }) => tensor);
  const parameters = quick ? all.filter(({ size }) => size <= 2 ** 16) : all;
  const { offsets, length } = flatLayout(parameters);
  const sizes = parameters.map(({ size }) => size);
  const count = sizes.reduce((sum, size) => sum + size, 0);
  const item = graphItem<AdamProblem>({
    name: 'adam update',
    shape: `${count.toLocaleString('en-US')} parameters`,
    make: () => ({
      ...settings,
      weights: noise('weights', length, 0.1),
      gradients: noise('gradients', length, 0.01),
      ...{ offsets, sizes },
    }),
    build,
    tolerance: () => 1e-5,
  });
  return [item];
};

export default list;
