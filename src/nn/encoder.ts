import type { Tensor } from '../graph/tensor.ts';
import type { Mode, NamedTensor } from './module.ts';

/** A network that turns images, or what else a method learns from, into features. */
export interface Encoder {
  /** Numbers in a row of features. */
  readonly dimensions: number;
  /** What it is, for people, where settings and files do not say it. */
  readonly description?: string;
  readonly parameters: readonly NamedTensor[];
  readonly buffers: readonly NamedTensor[];
  /** Images [N, H, W, 4] (the fourth channel zero), or sequences [N, T, C] → features [N, dimensions], f32 in any precision. */
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
