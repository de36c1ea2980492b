import { concatenate } from '../../../arrays.ts';
import type { Implementation, Values } from '../../../benchmark.ts';
import type { AdamProblem } from '../../../cases/adam.ts';
import { type Backend, tf } from '../backend.ts';

/** tfjs's optimiser, which updates parameter after parameter, with the decay added to the gradients as PyTorch does. */
class Adam implements Implementation {
  readonly setting = 'train.adam';
  private readonly parameters: tf.Variable[];
  private readonly gradients: tf.Tensor1D[];
  private readonly optimizer: tf.AdamOptimizer;

  constructor(
    private readonly backend: Backend,
    private readonly problem: AdamProblem,
  ) {
    const { weights, gradients, lr, betas, eps } = problem;
    this.parameters = this.split(weights).map((values) => tf.variable(values));
    this.gradients = this.split(gradients);
    this.optimizer = tf.train.adam(lr, ...betas, eps);
  }

  /** A tensor for each parameter; it takes the padding behind it along. */
  private split(flat: Float32Array): tf.Tensor1D[] {
    const { offsets } = this.problem;
    return offsets.map((offset, i) => tf.tensor1d(flat.subarray(offset, offsets[i + 1] ?? flat.length)));
  }

  private step(): void {
    tf.tidy(() => {
      const decayed = this.parameters.map((parameter, i) => ({
        name: parameter.name,
        tensor: tf.add(this.gradients[i], tf.mul(parameter, this.problem.weightDecay)),
      }));
      this.optimizer.applyGradients(decayed);
    });
  }

  async first(): Promise<Values> {
    await this.backend.use();
    this.step();
    // The number of steps, then all first moments, then all second ones.
    const [, ...moments] = (await this.optimizer.getWeights()).map(({ tensor }) => tensor);
    const count = this.parameters.length;
    const values = new Map([
      ['weights', await joined(this.parameters)],
      ['exp_avg', await joined(moments.slice(0, count))],
      ['exp_avg_sq', await joined(moments.slice(count))],
    ]);
    await this.backend.finish();
    return values;
  }

  async run(times: number): Promise<void> {
    await this.backend.use();
    for (let i = 0; i < times; i++) this.step();
    await this.backend.finish();
  }

  destroy(): void {
    tf.dispose([...this.parameters, ...this.gradients]);
    this.optimizer.dispose();
  }
}

async function joined(tensors: readonly tf.Tensor[]): Promise<Float32Array> {
  const arrays: Float32Array[] = [];
  for (const tensor of tensors) arrays.push((await tensor.data()) as Float32Array);
  return concatenate(arrays);
}

export const adam = (backend: Backend, problem: AdamProblem): readonly Implementation[] => [new Adam(backend, problem)];
