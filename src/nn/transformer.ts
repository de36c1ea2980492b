/** Layers of transformers (Vaswani et al., 2017; pre-norm, as in Dosovitskiy et al., 2021), under timm's names. */
import type { Tensor } from '../graph/tensor.ts';
import { constant, scope } from '../graph/trace.ts';
import { add } from '../ops/add.ts';
import { mostAttentionDimensions, scaledDotProductAttention } from '../ops/attention.ts';
import { mul } from '../ops/binary.ts';
import { bmm } from '../ops/bmm.ts';
import { cast } from '../ops/cast.ts';
import { dropout } from '../ops/dropout.ts';
import { layerNorm } from '../ops/layer_norm.ts';
import { reshape } from '../ops/reshape.ts';
import { softmax } from '../ops/softmax.ts';
import { permute, slice } from '../ops/strided_copy.ts';
import { gelu } from '../ops/unary.ts';
import { Linear } from './layers.ts';
import { type Mode, Module } from './module.ts';

/** Deviation of the weights' first values, as in timm and BERT; biases start at zero. */
export const transformerStd = 0.02;

/** Layer normalisation over the last axis, ε 1e-6; f32. */
export class LayerNorm extends Module {
  private readonly weight: Tensor;
  private readonly bias: Tensor;

  constructor(
    name: string,
    dimensions: number,
    private readonly eps = 1e-6,
  ) {
    super(name);
    this.weight = this.parameter('weight', [dimensions], () => new Float32Array(dimensions).fill(1));
    this.bias = this.parameter('bias', [dimensions], () => new Float32Array(dimensions));
  }

  forward(x: Tensor): Tensor {
    return scope(this.name, () => layerNorm(x, { weight: this.weight, bias: this.bias, eps: this.eps }));
  }
}

/** x, of which in training numbers are dropped with probability p, and the others are larger by as much; x itself where nothing is. */
export const withDropout = (x: Tensor, p: number, { training, seeds }: Mode): Tensor =>
  training && seeds ? dropout(x, { p, seeds }) : x;

/** A linear layer for each token: x [N, T, in] in the mode's precision → [N, T, out], f32. */
export class TokenLinear extends Module {
  private readonly linear: Linear;

  constructor(name: string, inputs: number, outputs: number, seed: number) {
    super(name);
    this.linear = this.child(new Linear(name, inputs, outputs, seed, { std: transformerStd }));
  }

  forward(x: Tensor, { precision = 'f32' }: Mode): Tensor {
    const [n, tokens, inputs] = x.shape;
    const rows = scope(this.name, () => cast(reshape(x, [n * tokens, inputs]), precision));
    const y = this.linear.forward(rows);
    return reshape(y, [n, tokens, y.shape[1]]);
  }
}

export interface AttentionOptions {
  readonly dimensions: number;
  readonly heads: number;
  readonly seed: number;
  /** Probability that a number is dropped in training, of what a token takes from each; 0 by default. */
  readonly dropout?: number | undefined;
}

/** What tokens do not see: those behind them, or where a tensor that broadcasts with scores [N, heads, T, T] is `unseen` and not 0; f32. */
export type AttentionMask = 'causal' | Tensor;

/** Is added to the score of what is not seen: its softmax is 0 in any precision. */
export const unseen = -1e9;

/** `[1, 1, T, T]`: a token sees itself and those before it. */
function causalMask(tokens: number): Tensor {
  const cell = (_: unknown, i: number) => (i % tokens > Math.floor(i / tokens) ? unseen : 0);
  return constant('causal mask', Float32Array.from({ length: tokens * tokens }, cell), [1, 1, tokens, tokens]);
}

/** What every device can bind as one buffer. */
const bindableBytes = 2 ** 27;

/**
 * Whether scores of all pairs of tokens, q [N · heads, T, d], would be more than some devices can bind. Below that storing them is faster: with
 * 785 tokens on lavapipe the fused kernels took 1.4 times as long, in a fifth of the memory.
 */
const isFused = ({ shape: [matrices, tokens, d] }: Tensor): boolean =>
  4 * matrices * tokens * tokens > bindableBytes && d % 4 === 0 && d <= mostAttentionDimensions;

/**
 * Multi-head self-attention: softmax(q kᵀ / √d) v of each head, the heads side by side through a linear layer. Scores are a
 * batched product of matrices, and their softmax is stored, where that is not too large and nothing of it is dropped; else neither is.
 */
export class Attention extends Module {
  private readonly qkv: TokenLinear;
  private readonly proj: TokenLinear;

  constructor(
    name: string,
    private readonly options: AttentionOptions,
  ) {
    super(name);
    const { dimensions, seed } = options;
    this.qkv = this.child(new TokenLinear(`${name}.qkv`, dimensions, 3 * dimensions, seed));
    this.proj = this.child(new TokenLinear(`${name}.proj`, dimensions, dimensions, seed));
  }

  forward(x: Tensor, mode: Mode, mask?: AttentionMask): Tensor {
    const { heads, dimensions } = this.options;
    const [n, tokens] = x.shape;
    const [q, k, v] = this.split(x, mode);
    return scope(this.name, () => {
      const mixed = this.mixed([q, k, v], mode, mask);
      const sideBySide = permute(reshape(mixed, [n, heads, tokens, dimensions / heads]), [0, 2, 1, 3]);
      return this.proj.forward(reshape(sideBySide, [n, tokens, dimensions]), mode);
    });
  }

  /** What each token takes of the others' values, [N · heads, T, d]. */
  private mixed([q, k, v]: readonly [Tensor, Tensor, Tensor], mode: Mode, mask?: AttentionMask): Tensor {
    const { dropout: p = 0 } = this.options;
    const dropped = p > 0 && mode.training && mode.seeds;
    if (!mask && !dropped && isFused(q)) return scaledDotProductAttention(q, k, v);
    const weights = withDropout(this.weights(q, k, mask), p, mode);
    return bmm(cast(weights, mode.precision ?? 'f32'), v);
  }

  /** What each token takes from each: [N, heads, T, T], f32. */
  attention(x: Tensor, mode: Mode): Tensor {
    const [n, tokens] = x.shape;
    const [q, k] = this.split(x, mode);
    return reshape(this.weights(q, k), [n, this.options.heads, tokens, tokens]);
  }

  /** q, k and v, [N · heads, T, d] each, in the mode's precision. */
  private split(x: Tensor, mode: Mode): readonly [Tensor, Tensor, Tensor] {
    const { heads, dimensions } = this.options;
    const [n, tokens] = x.shape;
    const d = dimensions / heads;
    const all = this.qkv.forward(x, mode);
    return scope(this.name, () => {
      const parts = permute(reshape(cast(all, mode.precision ?? 'f32'), [n, tokens, 3, heads, d]), [2, 0, 3, 1, 4]);
      const part = (i: number) => reshape(slice(parts, 0, i, i + 1), [n * heads, tokens, d]);
      return [part(0), part(1), part(2)];
    });
  }

  private weights(q: Tensor, k: Tensor, mask?: AttentionMask): Tensor {
    const { dimensions, heads } = this.options;
    const scores = mul(cast(bmm(q, k, { transposeB: true }), 'f32'), 1 / Math.sqrt(dimensions / heads));
    if (!mask) return softmax(scores);
    const [rows, tokens] = scores.shape;
    const added = mask === 'causal' ? causalMask(tokens) : mask;
    return reshape(softmax(add(reshape(scores, [rows / heads, heads, tokens, tokens]), added)), scores.shape);
  }
}

/** Two linear layers with GELU between them, the hidden one `ratio` times as wide. */
class FeedForward extends Module {
  private readonly fc1: TokenLinear;
  private readonly fc2: TokenLinear;

  constructor(name: string, dimensions: number, ratio: number, seed: number) {
    super(name);
    this.fc1 = this.child(new TokenLinear(`${name}.fc1`, dimensions, ratio * dimensions, seed));
    this.fc2 = this.child(new TokenLinear(`${name}.fc2`, ratio * dimensions, dimensions, seed));
  }

  forward(x: Tensor, mode: Mode): Tensor {
    const hidden = this.fc1.forward(x, mode);
    return this.fc2.forward(
      scope(this.name, () => gelu(hidden)),
      mode,
    );
  }
}

export interface BlockOptions extends AttentionOptions {
  /** Hidden numbers of the feed-forward layers by numbers of a token; 4 by default. */
  readonly ratio?: number;
  /** Probability that an image's block is left out in training (stochastic depth; Huang et al., 2016); 0 by default. */
  readonly dropPath?: number;
  /**
   * Probability that a number is dropped in training: of what a token takes from each, and of what attention and feed-forward layers add
   * (BERT's; Devlin et al., 2019); 0 by default.
   */
  readonly dropout?: number | undefined;
  /** Of the layer norms; 1e-6 by default. */
  readonly eps?: number;
}

/** x + attention(norm(x)), then x + feedForward(norm(x)): tokens [N, T, D] → the same, f32 in any precision. */
export class Block extends Module {
  private readonly norm1: LayerNorm;
  private readonly attn: Attention;
  private readonly norm2: LayerNorm;
  private readonly mlp: FeedForward;

  constructor(
    name: string,
    private readonly options: BlockOptions,
  ) {
    super(name);
    const { dimensions, ratio = 4, eps, seed } = options;
    this.norm1 = this.child(new LayerNorm(`${name}.norm1`, dimensions, eps));
    this.attn = this.child(new Attention(`${name}.attn`, options));
    this.norm2 = this.child(new LayerNorm(`${name}.norm2`, dimensions, eps));
    this.mlp = this.child(new FeedForward(`${name}.mlp`, dimensions, ratio, seed));
  }

  forward(x: Tensor, mode: Mode, mask?: AttentionMask): Tensor {
    const looked = this.branch(x, this.attn.forward(this.norm1.forward(x), mode, mask), mode);
    return this.branch(looked, this.mlp.forward(this.norm2.forward(looked), mode), mode);
  }

  /** What each token takes from each, [N, heads, T, T]. */
  attention(x: Tensor, mode: Mode): Tensor {
    return this.attn.attention(this.norm1.forward(x), mode);
  }

  /** x + y, or x alone for images whose branch is left out; the others' y is larger by as much. */
  private branch(x: Tensor, made: Tensor, mode: Mode): Tensor {
    const { dropPath = 0, dropout: p = 0 } = this.options;
    const { training, seeds } = mode;
    return scope(this.name, () => {
      const y = withDropout(made, p, mode);
      if (!training || !seeds || dropPath === 0) return add(x, y);
      const rows = [x.shape[0], 1, 1];
      const kept = constant('a branch of each image', new Float32Array(x.shape[0]).fill(1), rows);
      return add(x, mul(y, dropout(kept, { p: dropPath, seeds })));
    });
  }
}
