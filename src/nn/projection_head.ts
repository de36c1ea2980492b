import { BatchNorm, Linear, ReLU, Sequential } from './layers.ts';
import { inNetwork, type Module } from './module.ts';

export interface ProjectionHeadOptions {
  /** Linear layers: 1 is a linear projection, 2 has one hidden layer (SimCLR), 3 two (SimCLR v2). */
  readonly depth: number;
  /** Units of a hidden layer. */
  readonly width: number;
  /** Batch norm after each hidden linear layer; without by default. */
  readonly batchNorm?: boolean;
  readonly outputs: number;
  readonly inputs: number;
  readonly seed: number;
  /** Of the network, where a program has two of a kind: see `ResNet`. */
  readonly network?: string;
}

/** SimCLR's projection g(h): linear layers with ReLU between, under the names of a `Sequential` called `fc`. */
export function projectionHead(options: ProjectionHeadOptions): Sequential {
  const { depth, width, batchNorm, outputs, inputs, seed, network = '' } = options;
  const modules: Module[] = [];
  const name = inNetwork(network, 'fc');
  const next = () => `${name}.${modules.length}`;
  for (let layer = 0; layer < depth - 1; layer++) {
    modules.push(new Linear(next(), layer === 0 ? inputs : width, width, seed));
    if (batchNorm) modules.push(new BatchNorm(next(), width));
    modules.push(new ReLU(next()));
  }
  modules.push(new Linear(next(), depth === 1 ? inputs : width, outputs, seed));
  return new Sequential(name, modules);
}
