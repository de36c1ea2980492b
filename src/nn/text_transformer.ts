/** The transformer of texts, as CLIP's and BERT's: tokens to one row of features for each text. */
import { check, type Tensor } from '../graph/tensor.ts';
import { scope } from '../graph/trace.ts';
import { add } from '../ops/add.ts';
import { div, mul, sub } from '../ops/binary.ts';
import { gatherRows } from '../ops/gather_rows.ts';
import { sum } from '../ops/reduce.ts';
import { reshape } from '../ops/reshape.ts';
import { slice } from '../ops/strided_copy.ts';
import { normal } from './init.ts';
import { type Mode, Module } from './module.ts';
import { Block, LayerNorm, transformerStd, unseen, withDropout } from './transformer.ts';

/**
 * What stands for a text: what its last token has become (`eot`, end of text, as in CLIP), its first (`cls`, as in BERT), or the mean of
 * all. With `eot` a token sees those before it only, so that its last one is the only one that has seen all.
 */
export const textPoolings = ['eot', 'cls', 'mean'] as const;

/** Sizes of a `TextTransformer`. */
export interface TextOptions {
  /** How many numbers a token may be. */
  readonly vocabulary: number;
  /** Numbers of a token's embedding, a multiple of `heads`. */
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Tokens of a text with its padding, T. */
  readonly context: number;
  readonly pooling: (typeof textPoolings)[number];
  readonly seed: number;
  /**
   * Probability that a number is dropped in training, BERT's: of tokens with their positions, and in the blocks (see `BlockOptions`); other
   * ones in each step, and in each pass of a step. 0 by default.
   */
  readonly dropout?: number | undefined;
}

/** Where the tokens of texts end; padding is behind them. */
export interface TextEnds {
  /** u32 [N]: the last token of each text among all N · T; `eot` asks for it. */
  readonly last?: Tensor;
  /** f32 [N, T]: 1 for a token, 0 for padding; `cls` and `mean` ask for it. */
  readonly seen?: Tensor;
}

/**
 * Token embedding + learned positions, pre-norm blocks, layer norm (ε 1e-5), one row for each text: ids u32 [N · T] → features [N, width],
 * f32 in any precision. Tensors are named as in `Vit`; tokens and positions as in CLIP (Radford et al., 2021): `token_embedding.weight`
 * N(0, 0.02²), `positional_embedding` N(0, 0.01²). Weights of the blocks are N(0, 0.02²), BERT's; CLIP scales theirs with width and depth.
 */
export class TextTransformer extends Module {
  /** [vocabulary, width]; a head that predicts tokens may share it. */
  readonly embedding: Tensor;
  private readonly positions: Tensor;
  private readonly blocks: readonly Block[];
  private readonly norm: LayerNorm;

  constructor(
    name: string,
    private readonly options: TextOptions,
  ) {
    super(name);
    const { vocabulary, width, layers, heads, context, seed, dropout } = options;
    this.embedding = this.parameter('token_embedding.weight', [vocabulary, width], (full) =>
      normal(seed, full, vocabulary * width, transformerStd),
    );
    this.positions = this.parameter('positional_embedding', [context, width], (full) =>
      normal(seed, full, context * width, 0.01),
    );
    const block = (_: unknown, i: number) =>
      this.child(new Block(`${name}.blocks.${i}`, { dimensions: width, heads, eps: 1e-5, seed, dropout }));
    this.blocks = Array.from({ length: layers }, block);
    this.norm = this.child(new LayerNorm(`${name}.norm`, width, 1e-5));
  }

  /** Numbers in a row of features. */
  get dimensions(): number {
    return this.options.width;
  }

  forward(ids: Tensor, mode: Mode, ends: TextEnds = {}): Tensor {
    const tokens = this.passed(ids, mode, ends);
    return this.norm.forward(scope(this.name, () => this.pooled(tokens, ends)));
  }

  /** What some tokens have become, whose numbers among all N · T are rows u32 [R]: [R, width], f32. */
  tokens(ids: Tensor, rows: Tensor, mode: Mode, ends: TextEnds = {}): Tensor {
    const tokens = this.passed(ids, mode, ends);
    return this.norm.forward(scope(this.name, () => gatherRows(reshape(tokens, [ids.size, this.dimensions]), rows)));
  }

  /** What the blocks make of the tokens: [N, T, width], f32. */
  private passed(ids: Tensor, mode: Mode, ends: TextEnds): Tensor {
    const { context, width, pooling, dropout: p = 0 } = this.options;
    const texts = ids.size / context;
    const needed = pooling === 'eot' ? ends.last : ends.seen;
    check(needed !== undefined, 'text_transformer', `pooling ${pooling} needs to know where texts end`, ids);
    const tokens = scope(this.name, () => {
      const placed = add(reshape(gatherRows(this.embedding, ids), [texts, context, width]), this.positions);
      return withDropout(placed, p, mode);
    });
    const mask = pooling === 'eot' ? 'causal' : scope(this.name, () => paddingMask(ends.seen!));
    return this.blocks.reduce((value, block) => block.forward(value, mode, mask), tokens);
  }

  /** Tokens [N, T, width] → [N, width]. */
  private pooled(tokens: Tensor, { last, seen }: TextEnds): Tensor {
    const [texts, context, width] = tokens.shape;
    switch (this.options.pooling) {
      case 'eot':
        return gatherRows(reshape(tokens, [texts * context, width]), last!);
      case 'cls':
        return reshape(slice(tokens, 1, 0, 1), [texts, width]);
      case 'mean':
        return div(sum(mul(tokens, reshape(seen!, [texts, context, 1])), 1), sum(seen!, 1, { keepdim: true }));
    }
  }
}

/** [N, 1, 1, T] of [N, T]: no token sees padding. */
function paddingMask(seen: Tensor): Tensor {
  const [texts, context] = seen.shape;
  return reshape(mul(sub(1, seen), unseen), [texts, 1, 1, context]);
}
