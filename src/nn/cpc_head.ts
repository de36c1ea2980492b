import { check, type Tensor } from '../graph/tensor.ts';
import { scope } from '../graph/trace.ts';
import { cast } from '../ops/cast.ts';
import { reshape } from '../ops/reshape.ts';
import { slice } from '../ops/strided_copy.ts';
import { Gru } from './gru.ts';
import { Linear } from './layers.ts';
import { type Mode, Module } from './module.ts';

/** Sizes of a `CpcHead`. */
export interface CpcHeadOptions {
  /** Numbers of the code of a step, D. */
  readonly inputs: number;
  /** Numbers of a context, H. */
  readonly hidden: number;
  /** How many steps are predicted of each context, K. */
  readonly predictions: number;
  /** Steps behind a context that are not; 0 by default. */
  readonly skip?: number;
  readonly seed: number;
}

/**
 * What contrastive predictive coding has behind its encoder, for sequences of any kind: a GRU makes contexts c of the codes z, and a
 * matrix for each k says from a context what the code is that follows by skip + k steps: p_k = W_k c (van den Oord et al., 2018, §2.2).
 * Parameters are `name.context.weight_ih_l0`, … and `name.prediction.1.weight`, …
 */
export class CpcHead extends Module {
  private readonly gru: Gru;
  private readonly weights: readonly Linear[];
  private readonly skip: number;

  constructor(name: string, { inputs, hidden, predictions, skip = 0, seed }: CpcHeadOptions) {
    super(name);
    this.skip = skip;
    this.gru = this.child(new Gru(`${name}.context`, { inputs, hidden, seed }));
    this.weights = Array.from({ length: predictions }, (_, i) =>
      this.child(new Linear(`${name}.prediction.${i + 1}`, hidden, inputs, seed, { bias: false })),
    );
  }

  /** Codes z [N, T, D] → contexts [N, T, H], f32: that of step t has seen steps 0 … t. */
  forward(z: Tensor, mode: Mode): Tensor {
    return this.gru.forward(z, mode);
  }

  /** Codes z [N, T, D] → predictions p_k [N, T − skip − k, D] for k = 1 … K, f32: row t is of z_t+skip+k. */
  predict(z: Tensor, mode: Mode): readonly Tensor[] {
    const [n, steps, d] = z.shape;
    const furthest = this.skip + this.weights.length;
    check(steps > furthest, 'cpc_head', `sequences must have more than the ${furthest} steps that are predicted`, z);
    const contexts = scope(this.name, () => cast(this.forward(z, mode), mode.precision ?? 'f32'));
    return this.weights.map((weight, i) => {
      const count = steps - this.skip - (i + 1);
      const rows = scope(this.name, () => {
        const early = slice(contexts, 1, 0, count);
        return reshape(early, [n * count, early.shape[2]]);
      });
      return reshape(weight.forward(rows), [n, count, d]);
    });
  }
}
