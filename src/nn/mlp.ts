import { BatchNorm, type BatchNormOptions, Gelu, Linear, ReLU, Sequential } from './layers.ts';
import { inNetwork, type Module } from './module.ts';

export interface MlpOptions {
  /** `projector`; its layers are `projector.0`, `projector.1`, … */
  readonly name: string;
  /** Numbers of a row before and behind each linear layer: [inputs, hidden …, outputs]. */
  readonly widths: readonly number[];
  /**
   * Batch norm after each hidden linear layer, or after the last one too; `output-plain`: there without weight and bias,
   * `output-scale`: there without bias.
   */
  readonly batchNorm?: keyof typeof norms;
  /** False: the last layer is a hidden one too, a head without its output. */
  readonly outputLayer?: boolean;
  /** Behind each hidden layer; ReLU by default. */
  readonly activation?: 'relu' | 'gelu';
  /** Biases of the hidden linear layers, and of the last one; both by default. */
  readonly hiddenBias?: boolean;
  readonly outputBias?: boolean;
  /** First values of the weights are N(0, std²), of biases zero; PyTorch's by default. */
  readonly std?: number | undefined;
  readonly seed: number;
  /** Of the network, where a program has two of a kind: see `ResNet`. */
  readonly network?: string;
}

interface Norms {
  /** Behind each hidden layer; undefined: none. */
  readonly hidden?: BatchNormOptions;
  /** Behind the last one. */
  readonly output?: BatchNormOptions;
}

const norms = {
  none: {},
  hidden: { hidden: {} },
  output: { hidden: {}, output: {} },
  'output-plain': { hidden: {}, output: { affine: false } },
  'output-scale': { hidden: {}, output: { bias: false } },
} satisfies Record<string, Norms>;

/** Linear layers with ReLU or GELU between, under the names of a `Sequential`: the heads of SimCLR, MoCo, BYOL, SimSiam, SwAV and DINO. */
export function mlp(options: MlpOptions): Sequential {
  const { widths, batchNorm = 'none', outputLayer = true, seed, std, network = '' } = options;
  const { hiddenBias = true, outputBias = true } = options;
  const name = inNetwork(network, options.name);
  const Activation = options.activation === 'gelu' ? Gelu : ReLU;
  const behind: Norms = norms[batchNorm];
  const modules: Module[] = [];
  const next = () => `${name}.${modules.length}`;
  for (let layer = 1; layer < widths.length; layer++) {
    const isLast = outputLayer && layer === widths.length - 1;
    const [inputs, outputs] = [widths[layer - 1], widths[layer]];
    const bias = isLast ? outputBias : hiddenBias;
    modules.push(new Linear(next(), inputs, outputs, seed, { bias, ...(std !== undefined && { std }) }));
    const norm = behind[isLast ? 'output' : 'hidden'];
    if (norm) modules.push(new BatchNorm(next(), outputs, norm));
    if (!isLast) modules.push(new Activation(next()));
  }
  return new Sequential(name, modules);
}
