import type { Gpu } from '../../../src/gpu/device.ts';
import { concatenate } from '../../arrays.ts';
import type { StepProblem } from '../../cases/step.ts';
import type { Contestant, OpenPeer, Values } from '../../contest.ts';
import { chooseConvTranspose, convTransposes, tf, useDevice } from './backend.ts';
import { Network, readTorch } from './network.ts';
import { ntXent } from './nt_xent.ts';

/** A step with the gradient of convolutions computed in one of tfjs's two ways. Both share network and views. */
class Step implements Contestant {
  private optimizer: tf.AdamOptimizer | undefined;

  constructor(
    readonly setting: string,
    private readonly naiveTranspose: boolean,
    private readonly gpu: Gpu,
    private readonly network: Network,
    private readonly views: tf.Tensor4D,
    private readonly problem: StepProblem,
  ) {}

  private step(): { loss: tf.Scalar; gradients: tf.NamedTensorMap } {
    const { temperature, weightDecay } = this.problem;
    chooseConvTranspose(this.naiveTranspose);
    return tf.tidy(() => {
      const parameters = [...this.network.parameters.values()];
      const { value, grads } = tf.variableGrads(
        () => ntXent(this.network.embeddings(this.views), temperature),
        parameters,
      );
      const decayed = parameters.map((parameter) => ({
        name: parameter.name,
        tensor: tf.add(grads[parameter.name], tf.mul(parameter, weightDecay)),
      }));
      this.optimizer!.applyGradients(decayed);
      return { loss: value, gradients: grads };
    });
  }

  async first(): Promise<Values> {
    this.network.reset();
    this.optimizer = tf.train.adam(this.problem.lr, 0.9, 0.999, 1e-8);
    const { loss, gradients } = this.step();
    const values = new Map([['loss', (await loss.data()) as Float32Array]]);
    for (const [name, gradient] of Object.entries(gradients)) {
      values.set(`gradient of ${name}`, await readTorch(gradient));
    }
    const updated: Float32Array[] = [];
    for (const parameter of this.network.parameters.values()) updated.push(await readTorch(parameter));
    values.set('updated weights', concatenate(updated));
    tf.dispose([loss, gradients]);
    this.gpu.check();
    return values;
  }

  async again(): Promise<void> {
    const { loss, gradients } = this.step();
    await loss.data();
    tf.dispose([loss, gradients]);
    this.gpu.check();
  }

  destroy(): void {
    this.optimizer?.dispose();
  }
}

const open: OpenPeer<StepProblem> = async (gpu, problem) => {
  await useDevice(gpu);
  const { pairs, imageSize, views, parameters } = problem;
  const network = new Network(parameters);
  const input = tf.tensor4d(views, [2 * pairs, imageSize, imageSize, 3]);
  return convTransposes.map(({ setting, naive }) => new Step(setting, naive, gpu, network, input, problem));
};

export default open;
