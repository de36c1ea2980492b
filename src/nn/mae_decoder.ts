import type { Tensor } from '../graph/tensor.ts';
import { scope } from '../graph/trace.ts';
import { add } from '../ops/add.ts';
import { gatherRows } from '../ops/gather_rows.ts';
import { reshape } from '../ops/reshape.ts';
import { concat, slice } from '../ops/strided_copy.ts';
import { normal } from './init.ts';
import { type Mode, Module } from './module.ts';
import { sinCosPositions } from './positions.ts';
import { Block, LayerNorm, TokenLinear, transformerStd } from './transformer.ts';

export interface MaeDecoderOptions {
  /** Numbers of a token of the encoder. */
  readonly inputs: number;
  /** Numbers of a token, a multiple of 4 and of the heads. */
  readonly dimensions: number;
  readonly depth: number;
  readonly heads: number;
  /** Patches along a side of an image. */
  readonly grid: number;
  /** Numbers of a patch that are predicted. */
  readonly outputs: number;
  readonly seed: number;
}

/**
 * The decoder of a masked autoencoder (He et al., 2022) under the names of the published code: tokens of the encoder, made narrower, and
 * the mask token where a patch was hidden, with fixed sines and cosines of their places, through a few blocks; a linear layer makes a patch
 * of each.
 */
export class MaeDecoder extends Module {
  private readonly project: TokenLinear;
  private readonly maskToken: Tensor;
  private readonly places: Tensor;
  private readonly blocks: readonly Block[];
  private readonly norm: LayerNorm;
  private readonly pred: TokenLinear;

  constructor(private readonly options: MaeDecoderOptions) {
    super('');
    const { inputs, dimensions, depth, heads, grid, outputs, seed } = options;
    this.project = this.child(new TokenLinear('decoder_embed', inputs, dimensions, seed));
    this.maskToken = this.parameter('mask_token', [1, 1, dimensions], (full) =>
      normal(seed, full, dimensions, transformerStd),
    );
    this.places = this.buffer('decoder_pos_embed', [1, 1 + grid * grid, dimensions], () =>
      Float32Array.from([...new Float32Array(dimensions), ...sinCosPositions(grid, dimensions)]),
    );
    this.blocks = Array.from({ length: depth }, (_, i) =>
      this.child(new Block(`decoder_blocks.${i}`, { dimensions, heads, seed })),
    );
    this.norm = this.child(new LayerNorm('decoder_norm', dimensions));
    this.pred = this.child(new TokenLinear('decoder_pred', dimensions, outputs, seed));
  }

  /**
   * Tokens of the class and of K patches [N, 1 + K, inputs] → all L patches [N, L, outputs], f32.
   *
   * @param rows u32 [N · L]: which of the N · K tokens stands at each place, N · K for one that was hidden; all in their order by default
   */
  forward(latent: Tensor, mode: Mode, rows?: Tensor): Tensor {
    const { dimensions, grid } = this.options;
    const tokens = this.project.forward(latent, mode);
    const [n, count] = tokens.shape;
    const all = scope('decoder', () => {
      const seen = slice(tokens, 1, 1);
      if (!rows) return add(tokens, this.places);
      const masked = concat(
        [reshape(seen, [n * (count - 1), dimensions]), reshape(this.maskToken, [1, dimensions])],
        0,
      );
      const patches = reshape(gatherRows(masked, rows), [n, grid * grid, dimensions]);
      return add(concat([slice(tokens, 1, 0, 1), patches], 1), this.places);
    });
    const decoded = this.norm.forward(this.blocks.reduce((x, block) => block.forward(x, mode), all));
    return this.pred.forward(slice(decoded, 1, 1), mode);
  }
}
