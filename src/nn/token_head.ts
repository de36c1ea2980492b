import type { Tensor } from '../graph/tensor.ts';
import { scope } from '../graph/trace.ts';
import { cast } from '../ops/cast.ts';
import { f16Weight } from '../ops/f16_copy.ts';
import { linear } from '../ops/linear.ts';
import { gelu } from '../ops/unary.ts';
import { Linear } from './layers.ts';
import { type Mode, Module } from './module.ts';
import { LayerNorm, transformerStd } from './transformer.ts';

/**
 * What says which token stood in a place (Devlin et al., 2019): a linear layer, GELU and layer norm (ε 1e-5), then a product with the embedding
 * of every token, which is the network's own, and a bias. Parameters are `name.dense.weight`, `name.norm.weight`, …, `name.bias`.
 */
export class TokenHead extends Module {
  private readonly dense: Linear;
  private readonly norm: LayerNorm;
  private readonly bias: Tensor;

  /** @param embedding [vocabulary, width], a parameter of the network whose tokens are predicted */
  constructor(
    name: string,
    private readonly embedding: Tensor,
    seed: number,
  ) {
    super(name);
    const [vocabulary, width] = embedding.shape;
    this.bias = this.parameter('bias', [vocabulary], () => new Float32Array(vocabulary));
    this.dense = this.child(new Linear(`${name}.dense`, width, width, seed, { std: transformerStd }));
    this.norm = this.child(new LayerNorm(`${name}.norm`, width, 1e-5));
  }

  /** What tokens have become, [R, width] → logits [R, vocabulary], f32 in any precision. */
  forward(x: Tensor, { precision = 'f32' }: Mode): Tensor {
    const hidden = this.dense.forward(scope(this.name, () => cast(x, precision)));
    const normal = this.norm.forward(scope(this.name, () => gelu(hidden)));
    return scope(this.name, () => {
      const embedding = precision === 'f16' ? f16Weight(this.embedding) : this.embedding;
      return linear(cast(normal, precision), embedding, this.bias);
    });
  }
}
