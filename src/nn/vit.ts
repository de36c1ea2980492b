import { check, type Tensor } from '../graph/tensor.ts';
import { constant, scope } from '../graph/trace.ts';
import { add } from '../ops/add.ts';
import { mul, sub } from '../ops/binary.ts';
import { cast } from '../ops/cast.ts';
import { f16Weight } from '../ops/f16_copy.ts';
import { linear } from '../ops/linear.ts';
import { matmul } from '../ops/matmul.ts';
import { patchify } from '../ops/rearrange.ts';
import { expand } from '../ops/reduce.ts';
import { reshape } from '../ops/reshape.ts';
import { concat, slice } from '../ops/strided_copy.ts';
import type { Encoder } from './encoder.ts';
import { normal, uniform } from './init.ts';
import { inNetwork, type Mode, Module } from './module.ts';
import { resampledPlaces, sinCosPositions } from './positions.ts';
import { Block, LayerNorm, transformerStd } from './transformer.ts';

/** The networks (Touvron et al., 2021, table 1): numbers of a token at width 1, blocks, and heads of their attention. */
export const vits = {
  vit_tiny: { dimensions: 192, depth: 12, heads: 3 },
  vit_small: { dimensions: 384, depth: 12, heads: 6 },
  vit_base: { dimensions: 768, depth: 12, heads: 12 },
} as const;
export type VitName = keyof typeof vits;

export interface VitSizes {
  readonly dimensions: number;
  readonly depth: number;
  readonly heads: number;
}
export const vitNames = Object.keys(vits) as readonly VitName[];

export const positionKinds = ['learned', 'sincos'] as const;

export interface VitShape {
  readonly architecture: VitName;
  /** Multiplies the numbers of a token, not the heads; a multiple of 1/4. */
  readonly width: number;
  /** Height and width of a patch in pixels. */
  readonly patch: number;
  /** Patches along a side of the images that positions are of; images of other sizes have theirs interpolated. */
  readonly grid: number;
  /** `learned`: parameters. `sincos`: fixed sines and cosines, which files have too. */
  readonly positions: (typeof positionKinds)[number];
}

/** Which `Vit`, and how it is trained. */
export interface VitOptions extends VitShape {
  /** Probability that the last block is left out for an image in training, that of earlier ones by their depth; 0 by default. */
  readonly dropPath?: number | undefined;
  /** In place of the architecture's. */
  readonly sizes?: VitSizes | undefined;
  readonly seed: number;
}

/** Patches that are not seen: 1 in a mask [N, L, 1], and the token [1, 1, dimensions] in their place. */
export interface HiddenTokens {
  readonly mask: Tensor;
  readonly token: Tensor;
}

/**
 * A vision transformer (Dosovitskiy et al., 2021) without its classifier, under timm's names. Images [N, H, W, 4] (the fourth channel zero)
 * are cut into patches, each of them a token: a linear function of its pixels and an embedding of its place. Behind a class token they pass
 * blocks of attention; the features [N, dimensions] are what the class token has become, f32 in any precision.
 */
export class Vit extends Module implements Encoder {
  readonly dimensions: number;
  readonly shape: VitShape & { readonly stem: 'imagenet' };
  private readonly projection: PatchProjection;
  private readonly classToken: Tensor;
  private readonly places: Tensor;
  private readonly blocks: readonly Block[];
  private readonly norm: LayerNorm;

  /** @param name of the network, where a program has two of a kind: see `ResNet` */
  constructor({ dropPath = 0, seed, sizes, ...shape }: VitOptions, name = '') {
    super(inNetwork(name, ''));
    this.shape = { ...shape, stem: 'imagenet' };
    const { architecture, width, patch, grid, positions } = shape;
    const { dimensions: published, depth, heads } = sizes ?? vits[architecture];
    const dimensions = published * width;
    this.dimensions = dimensions;
    const tokens = 1 + grid * grid;
    this.classToken = this.parameter('cls_token', [1, 1, dimensions], (full) =>
      normal(seed, full, dimensions, transformerStd),
    );
    const drawn = (full: string) => normal(seed, full, tokens * dimensions, transformerStd);
    this.places =
      positions === 'learned'
        ? this.parameter('pos_embed', [1, tokens, dimensions], drawn)
        : this.buffer('pos_embed', [1, tokens, dimensions], () =>
            withClass(sinCosPositions(grid, dimensions), dimensions),
          );
    this.projection = this.child(new PatchProjection(inNetwork(name, 'patch_embed.proj'), patch, dimensions, seed));
    const block = (_: unknown, i: number) =>
      this.child(
        new Block(inNetwork(name, `blocks.${i}`), {
          ...{ dimensions, heads, seed },
          dropPath: (dropPath * i) / (depth - 1),
        }),
      );
    this.blocks = Array.from({ length: depth }, block);
    this.norm = this.child(new LayerNorm(inNetwork(name, 'norm'), dimensions));
  }

  forward(x: Tensor, mode: Mode): Tensor {
    const tokens = this.encode(this.embed(x, mode), mode);
    return reshape(slice(tokens, 1, 0, 1), [x.shape[0], this.dimensions]);
  }

  /** Features [N, dimensions], and tokens of the patches [N · L, dimensions], f32. @param hidden see `embed` */
  tokens(x: Tensor, mode: Mode, hidden?: HiddenTokens): { readonly features: Tensor; readonly patches: Tensor } {
    const all = this.encode(this.embed(x, mode, hidden), mode);
    const [n, count] = all.shape;
    return {
      features: reshape(slice(all, 1, 0, 1), [n, this.dimensions]),
      patches: reshape(slice(all, 1, 1), [n * (count - 1), this.dimensions]),
    };
  }

  /**
   * Images → tokens of their patches with their places, row by row: [N, L, dimensions], f32.
   * @param hidden patches in whose place another token stands
   */
  embed(x: Tensor, mode: Mode, hidden?: HiddenTokens): Tensor {
    const seen = this.projection.forward(x, mode);
    const tokens = hidden ? add(mul(seen, sub(1, hidden.mask)), mul(hidden.token, hidden.mask)) : seen;
    const [, height, width] = x.shape;
    check(height === width, 'vit', 'images must be squares', x);
    return scope('pos_embed', () => add(tokens, this.placesOf(height / this.shape.patch)));
  }

  /** Tokens of some or all patches of each image [N, L, dimensions] → those of the class and of these patches, [N, 1 + L, dimensions]. */
  encode(patches: Tensor, mode: Mode): Tensor {
    return this.norm.forward(this.passed(this.withClassToken(patches), mode, this.blocks));
  }

  /** Tokens of the class and of all patches behind each block, [N, 1 + L, dimensions], f32: the last of them not normalised. */
  blockOutputs(x: Tensor, mode: Mode): readonly Tensor[] {
    const outputs: Tensor[] = [];
    for (const block of this.blocks)
      outputs.push(block.forward(outputs.at(-1) ?? this.withClassToken(this.embed(x, mode)), mode));
    return outputs;
  }

  /** What the tokens of patches are behind each third block: the last of them not normalised. */
  maps(x: Tensor, mode: Mode): readonly Tensor[] {
    const [n, side] = [x.shape[0], x.shape[1] / this.shape.patch];
    const stages = this.stages();
    let tokens = this.withClassToken(this.embed(x, mode));
    return stages.map((blocks) => {
      tokens = this.passed(tokens, mode, blocks);
      return cast(reshape(slice(tokens, 1, 1), [n, side, side, this.dimensions]), mode.precision ?? 'f32');
    });
  }

  /** How much the class token takes from each patch in the last block: [N, heads, L], f32. */
  classAttention(x: Tensor, mode: Mode): Tensor {
    const tokens = this.passed(this.withClassToken(this.embed(x, mode)), mode, this.blocks.slice(0, -1));
    const attention = this.blocks[this.blocks.length - 1].attention(tokens, mode);
    const [n, heads, count] = attention.shape;
    return reshape(slice(slice(attention, 2, 0, 1), 3, 1), [n, heads, count - 1]);
  }

  /** Blocks in four parts, for what asks of a network's stages. */
  private stages(): readonly (readonly Block[])[] {
    const length = this.blocks.length / 4;
    return [0, 1, 2, 3].map((stage) => this.blocks.slice(stage * length, (stage + 1) * length));
  }

  private passed(tokens: Tensor, mode: Mode, blocks: readonly Block[]): Tensor {
    return blocks.reduce((value, block) => block.forward(value, mode), tokens);
  }

  private withClassToken(patches: Tensor): Tensor {
    return scope('cls_token', () => {
      const token = add(this.classToken, slice(this.places, 1, 0, 1));
      return concat([expand(token, [patches.shape[0], 1, this.dimensions]), patches], 1);
    });
  }

  /** Embeddings of the places of a grid, [1, side², dimensions]. */
  private placesOf(side: number): Tensor {
    const { grid } = this.shape;
    const own = slice(this.places, 1, 1);
    if (side === grid) return own;
    const matrix = constant(`places of ${side} of ${grid}`, resampledPlaces(grid, side), [side * side, grid * grid]);
    const other = matmul(matrix, reshape(own, [grid * grid, this.dimensions]));
    return reshape(other, [1, side * side, this.dimensions]);
  }
}

/** A token that stands for patches that are not seen. */
export class MaskToken extends Module {
  readonly token: Tensor;

  constructor(name: string, dimensions: number, seed: number) {
    super(name);
    this.token = this.parameter('token', [1, 1, dimensions], (full) => normal(seed, full, dimensions, transformerStd));
  }

  forward(): Tensor {
    return this.token;
  }
}

/** Zeros for the class token, whose place is none. */
function withClass(places: Float32Array, dimensions: number): Float32Array {
  const all = new Float32Array(places.length + dimensions);
  all.set(places, dimensions);
  return all;
}

/** A convolution whose kernels are the patches, as a product of matrices: images [N, S, S, 4] → [N, L, dimensions], f32. */
class PatchProjection extends Module {
  private readonly weight: Tensor;
  private readonly bias: Tensor;

  constructor(
    name: string,
    private readonly patch: number,
    private readonly dimensions: number,
    seed: number,
  ) {
    super(name);
    const length = patch * patch * 4;
    const bound = 1 / Math.sqrt(3 * patch * patch);
    const init = (full: string) =>
      uniform(seed, full, dimensions * length, bound).map((value, i) => (i % 4 === 3 ? 0 : value));
    this.weight = this.parameter('weight', [dimensions, length], init, [dimensions, 3, patch, patch]);
    this.bias = this.parameter('bias', [dimensions], () => new Float32Array(dimensions));
  }

  forward(x: Tensor, { precision = 'f32' }: Mode): Tensor {
    const { patch, dimensions } = this;
    return scope(this.name, () => {
      const patches = patchify(cast(x, precision), patch);
      const [n, count, length] = patches.shape;
      const weight = precision === 'f16' ? f16Weight(this.weight) : this.weight;
      const rows = linear(reshape(patches, [n * count, length]), weight, this.bias);
      return reshape(rows, [n, count, dimensions]);
    });
  }
}
