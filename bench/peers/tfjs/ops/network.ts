import type { TorchTensor } from '../../../../src/nn/state_dict.ts';
import { tf } from '../backend.ts';
import { RunningStatistics, trainingBatchNorm } from './normalization.ts';

/** A parameter in tfjs's layout: convolution weights are HWIO there, the others as in PyTorch. */
const fromTorch = ({ shape, data }: TorchTensor): tf.Tensor =>
  tf.tidy(() => {
    const value = tf.tensor(data, [...shape]);
    return shape.length === 4 ? tf.transpose(value, [2, 3, 1, 0]) : value;
  });

/** The values of a parameter or of its gradient in PyTorch's layout. */
export async function readTorch(value: tf.Tensor): Promise<Float32Array> {
  const converted = value.shape.length === 4 ? tf.transpose(value, [3, 2, 0, 1]) : tf.clone(value);
  const data = (await converted.data()) as Float32Array;
  converted.dispose();
  return data;
}

/** ResNet-18 with the ImageNet stem and a head of two linear layers, as one writes them with tfjs's ops; torchvision's names. */
export class Network {
  readonly parameters = new Map<string, tf.Variable>();
  private readonly running = new Map<string, RunningStatistics>();

  constructor(private readonly first: ReadonlyMap<string, TorchTensor>) {
    for (const [name, value] of first) {
      this.parameters.set(name, tf.variable(fromTorch(value), true, name));
      if (/(bn\d|downsample\.1)\.weight$/.test(name)) {
        this.running.set(name.replace('.weight', ''), new RunningStatistics(value.shape[0]));
      }
    }
  }

  /** Back to the first values. */
  reset(): void {
    for (const running of this.running.values()) running.reset();
    tf.tidy(() => {
      for (const [name, value] of this.first) this.parameters.get(name)!.assign(fromTorch(value));
    });
  }

  /** Views [M, H, W, 3] → z [M, features], with the batch's statistics. */
  embeddings(views: tf.Tensor4D): tf.Tensor2D {
    const stem = tf.relu(this.batchNorm(this.conv(views, 'conv1', 2, 3), 'bn1'));
    let y = tf.maxPool(stem, 3, 2, 1, 'floor');
    for (let layer = 1; layer <= 4; layer++) {
      y = this.block(y, `layer${layer}.0`, layer === 1 ? 1 : 2);
      y = this.block(y, `layer${layer}.1`, 1);
    }
    const h = tf.mean(y, [1, 2]) as tf.Tensor2D;
    return this.linear(tf.relu(this.linear(h, 'fc.0')), 'fc.2');
  }

  private block(x: tf.Tensor4D, name: string, stride: number): tf.Tensor4D {
    const hidden = tf.relu(this.batchNorm(this.conv(x, `${name}.conv1`, stride, 1), `${name}.bn1`));
    const y = this.batchNorm(this.conv(hidden, `${name}.conv2`, 1, 1), `${name}.bn2`);
    const shortcut = this.parameters.has(`${name}.downsample.0.weight`)
      ? this.batchNorm(this.conv(x, `${name}.downsample.0`, stride, 0), `${name}.downsample.1`)
      : x;
    return tf.relu(tf.add(y, shortcut) as tf.Tensor4D);
  }

  private conv(x: tf.Tensor4D, name: string, stride: number, padding: number): tf.Tensor4D {
    const weight = this.parameters.get(`${name}.weight`) as tf.Tensor as tf.Tensor4D;
    return tf.conv2d(x, weight, stride, padding, 'NHWC', 1, 'floor');
  }

  private batchNorm(x: tf.Tensor4D, name: string): tf.Tensor4D {
    const [weight, bias] = ['weight', 'bias'].map((suffix) => this.parameters.get(`${name}.${suffix}`) as tf.Tensor1D);
    return trainingBatchNorm(x, weight, bias, this.running.get(name)!);
  }

  private linear(x: tf.Tensor2D, name: string): tf.Tensor2D {
    const weight = this.parameters.get(`${name}.weight`) as tf.Tensor as tf.Tensor2D;
    return tf.add(tf.matMul(x, weight, false, true), this.parameters.get(`${name}.bias`)!) as tf.Tensor2D;
  }

  /** All that lies on the device. */
  get variables(): tf.Variable[] {
    const running = [...this.running.values()].flatMap(({ mean, variance }) => [mean, variance]);
    return [...this.parameters.values(), ...running];
  }
}
