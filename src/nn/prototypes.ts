import type { Tensor } from '../graph/tensor.ts';
import { scope } from '../graph/trace.ts';
import { refreshF16 } from '../ops/f16_copy.ts';
import { gradientGate } from '../ops/gradient_gate.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { linear } from '../ops/linear.ts';
import { indexCopy } from '../ops/narrow.ts';
import { uniform, unitRows } from './init.ts';
import { type Mode, Module } from './module.ts';

/**
 * SwAV's prototypes C [K, D]: scores ẑ Cᵀ. Rows have length one when a step begins: the optimiser moves them as free numbers, and
 * `normalize` brings them back. (Weight normalisation, DINO's, differentiates through the length; this does not.)
 */
export class Prototypes extends Module {
  private readonly weight: Tensor;

  constructor(name: string, dimensions: number, count: number, seed: number) {
    super(name);
    this.weight = this.parameter('weight', [count, dimensions], (full) =>
      unitRows(uniform(seed, full, count * dimensions, 1), dimensions),
    );
  }

  /** @param open f32 [1]: with 0 the prototypes get no gradient */
  forward(z: Tensor, _mode: Mode, open?: Tensor): Tensor {
    return scope(this.name, () => linear(z, open ? gradientGate(this.weight, open) : this.weight));
  }

  /** Records that the rows are brought to length one; not where `made` (of `Step.after`) is 0. */
  normalize(made: Tensor): void {
    indexCopy(this.weight, l2Normalize(this.weight), undefined, { made });
    refreshF16(this.weight);
  }
}

/**
 * x V̂ᵀ, V̂ the rows of V [K, D] at length one: `torch.nn.utils.weight_norm` of a linear layer without bias whose g stays 1, the last
 * layer of DINO's head. With rows x of length one these are cosines.
 */
export class WeightNormLinear extends Module {
  private readonly direction: Tensor;

  constructor(name: string, inFeatures: number, outFeatures: number, seed: number) {
    super(name);
    const bound = 1 / Math.sqrt(inFeatures);
    this.direction = this.parameter('weight_v', [outFeatures, inFeatures], (full) =>
      uniform(seed, full, outFeatures * inFeatures, bound),
    );
  }

  /** @param open f32 [1]: with 0 the layer gets no gradient */
  forward(x: Tensor, _mode: Mode, open?: Tensor): Tensor {
    const { direction } = this;
    return scope(this.name, () => linear(x, l2Normalize(open ? gradientGate(direction, open) : direction)));
  }
}
