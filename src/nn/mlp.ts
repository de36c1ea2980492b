import { BatchNorm, Gelu, Linear, ReLU, Sequential } from './layers.ts';
import { inNetwork, type Module } from './module.ts';

export interface MlpOptions {
  /** `projector`; its layers are `projector.0`, `projector.1`, … */
  readonly name: string;
  /** Numbers of a row before and behind each linear layer: [inputs, hidden …, outputs]. */
  readonly widths: readonly number[];
  /** Batch norm after each hidden linear layer, or after the last one too; `output-plain`: there without weight and bias. */
  readonly batchNorm?: 'none' | 'hidden' | 'output' | 'output-plain';
  /** Behind each hidden layer; ReLU by default. */
  readonly activation?: 'relu' | 'gelu';
  /** Biases of the hidden linear layers, and of the last one; both by default. */
  readonly hiddenBias?: boolean;
  readonly outputBias?: boolean;
  readonly seed: number;
  /** Of the network, where a program has two of a kind: see `ResNet`. */
  readonly network?: string;
}

/** Linear layers with ReLU or GELU between, under the names of a `Sequential`: the heads of SimCLR, MoCo, BYOL, SimSiam, SwAV and DINO. */
export function mlp(options: MlpOptions): Sequential {
  const { widths, batchNorm = 'none', hiddenBias = true, outputBias = true, seed, network = '' } = options;
  const name = inNetwork(network, options.name);
  const Activation = options.activation === 'gelu' ? Gelu : ReLU;
  const modules: Module[] = [];
  const next = () => `${name}.${modules.length}`;
  for (let layer = 1; layer < widths.length; layer++) {
    const isLast = layer === widths.length - 1;
    const [inputs, outputs] = [widths[layer - 1], widths[layer]];
    modules.push(new Linear(next(), inputs, outputs, seed, { bias: isLast ? outputBias : hiddenBias }));
    const normalises = isLast ? batchNorm.startsWith('output') : batchNorm !== 'none';
    if (normalises) modules.push(new BatchNorm(next(), outputs, { affine: !isLast || batchNorm !== 'output-plain' }));
    if (!isLast) modules.push(new Activation(next()));
  }
  return new Sequential(name, modules);
}
