import type { Tokenizer } from '../data/tokenizer.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Mode, NamedTensor } from './module.ts';
import type { TextEnds } from './text_transformer.ts';

/** A network that turns images, or what else a method learns from, into features. */
export interface Encoder {
  /** Numbers in a row of features. */
  readonly dimensions: number;
  /** What it is, for people, where settings and files do not say it. */
  readonly description?: string;
  readonly parameters: readonly NamedTensor[];
  readonly buffers: readonly NamedTensor[];
  /**
   * Images [N, H, W, 4] (the fourth channel zero), sequences [N, T, C] or tokens of texts u32 [N · T] → features [N, dimensions], f32 in any
   * precision.
   */
  forward(x: Tensor, mode: Mode): Tensor;
  /**
   * The same images → what its stages give, [N, h, w, c] each, the coarsest last: what decoders and pictures of attention are made of.
   * Of the mode's precision.
   */
  maps?(x: Tensor, mode: Mode): readonly Tensor[];
  /**
   * Of a vision transformer: how much its class token takes from each patch of the same images in the last block, [N, heads, L], patches
   * row by row, f32.
   */
  classAttention?(x: Tensor, mode: Mode): Tensor;
}

/** One that shows what its stages give. */
export type EncoderWithMaps = Required<Pick<Encoder, 'maps'>>;

/** An encoder of texts: what it is given is tokens. */
export interface EncoderOfTexts extends Encoder {
  readonly tokenizer: Tokenizer;
  /** Tokens of a text with its padding, T. */
  readonly context: number;
  /** ids u32 [N · T], and where the texts end, both ways → features [N, dimensions], f32 in any precision. */
  forward(ids: Tensor, mode: Mode, ends?: TextEnds): Tensor;
}

export const takesTexts = (encoder: Encoder): encoder is EncoderOfTexts => 'tokenizer' in encoder;
