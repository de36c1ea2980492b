import { type Data, elements, type Shape, type Tensor } from '../graph/tensor.ts';
import { variable } from '../graph/trace.ts';
import type { Precision } from '../ops/precision.ts';

/** Whether batch norm uses the batch's statistics (and updates the running ones), or the running ones. */
export interface Mode {
  readonly training: boolean;
  /**
   * The share of a training step that this batch is, 1 by default: as many batches as make up a step move the running statistics
   * about as far as one batch of a whole step does. 0 leaves the running statistics as they are.
   */
  readonly batchShare?: number;
  /** Parts of the batch that batch norm normalises each by its own statistics, as on as many devices; 1 by default. */
  readonly batchSplits?: number;
  /** Processes by whose rows together batch norm normalises those of each; 1 by default. */
  readonly batchNormProcesses?: number;
  /** u32 [n], new in every step: what dropout and stochastic depth draw from. Without, nothing is dropped. */
  readonly seeds?: Tensor;
  /** The stem and so many stages of an encoder normalise by running statistics, whatever the rest does; 0 by default: none. */
  readonly frozenStages?: number;
  /** What encoders hold activations and convolution weights in, f32 by default. Parameters, statistics and features are f32. */
  readonly precision?: Precision;
}

/** A named value of a module and the shape under which PyTorch knows it. */
export interface NamedTensor {
  readonly tensor: Tensor;
  /** PyTorch's shape: convolution weights are `OIHW` there and `[O, kh, kw, I padded to 4]` here. */
  readonly torchShape: Shape;
}

/** Numbers that PyTorch's tensors hold: without the channels that ours are padded with. */
export const countNumbers = (entries: readonly NamedTensor[]): number =>
  entries.reduce((sum, { torchShape }) => sum + elements(torchShape), 0);

/** Error: two of the tensors have one name, under which a file could keep only one of them. */
export function checkNames(entries: readonly NamedTensor[]): void {
  const seen = new Set<string>();
  for (const { tensor } of entries) {
    if (seen.has(tensor.name)) throw new Error(`two parameters are named '${tensor.name}': give one network a name`);
    seen.add(tensor.name);
  }
}

/**
 * A part of a network: it owns variables, under the names that torchvision gives them, and applies ops to tensors. Modules are
 * made once; `forward` may be traced into any number of programs, which share the values through their `State`.
 */
export abstract class Module {
  private readonly ownParameters: NamedTensor[] = [];
  private readonly ownBuffers: NamedTensor[] = [];
  private readonly children: Module[] = [];

  /** @param name full name, `layer1.0.conv1`; empty for a whole network, or `teacher/` where it has a name itself. */
  constructor(readonly name: string) {}

  /** A variable that training changes, under the name of the module and a suffix, `weight`; its first values are those of `init`. */
  protected parameter(suffix: string, shape: Shape, init: (name: string) => Data, torchShape = shape): Tensor {
    const name = join(this.name, suffix);
    const tensor = variable(name, shape, () => init(name));
    this.ownParameters.push({ tensor, torchShape });
    return tensor;
  }

  /** A variable that forward passes change, such as running statistics. */
  protected buffer(suffix: string, shape: Shape, init: () => Data): Tensor {
    const tensor = variable(join(this.name, suffix), shape, init);
    this.ownBuffers.push({ tensor, torchShape: shape });
    return tensor;
  }

  /** Adds a part, whose parameters and buffers are then also of this module. @returns it */
  protected child<M extends Module>(module: M): M {
    this.children.push(module);
    return module;
  }

  /** All parameters (what training changes), in the order of PyTorch's `named_parameters()`. */
  get parameters(): readonly NamedTensor[] {
    return [...this.ownParameters, ...this.children.flatMap((child) => child.parameters)];
  }

  /** All buffers: running statistics. */
  get buffers(): readonly NamedTensor[] {
    return [...this.ownBuffers, ...this.children.flatMap((child) => child.buffers)];
  }

  /** Records the ops of the module on a tensor. @returns what it makes of x */
  abstract forward(x: Tensor, mode: Mode): Tensor;
}

export const join = (prefix: string, suffix: string): string =>
  prefix === '' || prefix.endsWith('/') ? prefix + suffix : `${prefix}.${suffix}`;

/**
 * The name of a part of a network that has a name itself, `teacher/layer1`: a program may have two networks of one kind. What stands
 * before the slash has no part in first values, so that both start from the same.
 */
export const inNetwork = (network: string, part: string): string => (network ? `${network}/${part}` : part);

/** The same without the network's name. */
export const withoutNetwork = (name: string): string => name.slice(name.lastIndexOf('/') + 1);
