import { concatenate } from '../../../arrays.ts';
import type { Implementation, Values } from '../../../benchmark.ts';
import type { StepProblem } from '../../../cases/step.ts';
import { type Backend, tf, transposeSettings } from '../backend.ts';
import { Shared } from '../op.ts';
import { Network, readTorch } from './network.ts';
import { ntXentLoss } from './nt_xent.ts';

/** What the settings have in common. */
interface Work {
  readonly backend: Backend;
  readonly network: Network;
  readonly views: tf.Tensor4D;
  readonly problem: StepProblem;
  readonly shared: Shared;
}

/** A step with the gradient of convolutions computed in one of tfjs's ways. */
class Step implements Implementation {
  private optimizer: tf.AdamOptimizer | undefined;

  constructor(
    readonly setting: string,
    private readonly choose: () => void,
    private readonly work: Work,
  ) {}

  private step(): { loss: tf.Scalar; gradients: tf.NamedTensorMap } {
    const { network, views, problem } = this.work;
    this.choose();
    return tf.tidy(() => {
      const parameters = [...network.parameters.values()];
      const { value, grads } = tf.variableGrads(
        () => ntXentLoss(network.embeddings(views), problem.temperature),
        parameters,
      );
      const decayed = parameters.map((parameter) => ({
        name: parameter.name,
        tensor: tf.add(grads[parameter.name], tf.mul(parameter, problem.weightDecay)),
      }));
      this.optimizer!.applyGradients(decayed);
      return { loss: value, gradients: grads };
    });
  }

  async first(): Promise<Values> {
    const { backend, network, problem } = this.work;
    await backend.use();
    network.reset();
    this.optimizer = tf.train.adam(problem.lr, 0.9, 0.999, 1e-8);
    const { loss, gradients } = this.step();
    const values = new Map([['loss', (await loss.data()) as Float32Array]]);
    for (const [name, gradient] of Object.entries(gradients)) {
      values.set(`gradient of ${name}`, await readTorch(gradient));
    }
    const updated: Float32Array[] = [];
    for (const parameter of network.parameters.values()) updated.push(await readTorch(parameter));
    values.set('updated weights', concatenate(updated));
    tf.dispose([loss, gradients]);
    await backend.finish();
    return values;
  }

  /** The loss is read at the end, as ours is. */
  async run(times: number): Promise<void> {
    const { backend } = this.work;
    await backend.use();
    for (let i = 0; i < times; i++) {
      const { loss, gradients } = this.step();
      if (i === times - 1) await loss.data();
      tf.dispose([loss, gradients]);
    }
    await backend.finish();
  }

  destroy(): void {
    this.optimizer?.dispose();
    this.work.shared.release();
  }
}

export function step(backend: Backend, problem: StepProblem): readonly Implementation[] {
  const { pairs, imageSize } = problem;
  const network = new Network(problem.parameters);
  const views = tf.tensor4d(problem.views, [2 * pairs, imageSize, imageSize, 3]);
  const settings = transposeSettings(backend, 'variableGrads');
  const shared = new Shared([views, ...network.variables], settings.length);
  const work = { backend, network, views, problem, shared };
  return settings.map(({ setting, choose }) => new Step(setting, choose, work));
}
