/** From traced nodes to nodes of ONNX: which value a tensor is there, and in which layout. */
import { elements, type Node, type Shape, type Tensor } from '../graph/tensor.ts';
import type { NamedTensor } from '../nn/module.ts';
import { fromTorch, type TorchTensor } from '../nn/state_dict.ts';
import type { GraphBuilder } from './builder.ts';

/**
 * Images of the batch while a network is traced: a prime, so that a size is a multiple of it where it is one of the batch, and nowhere
 * else. Other sizes are products of smaller numbers, or g² + 1 tokens, and no prime of 4k + 3 divides such a sum.
 */
export const tracedBatch = 999_983;

/** Larger constants are not compared with each other. */
const mostShared = 64;

/** Where a tensor [N, H, W, C] is in the graph. */
interface Place {
  /** As it is traced: [N, H, W, C], and any tensor of another rank. */
  plain?: string;
  /** As ONNX has maps: [N, C, H, W]. */
  map?: string;
  /** The same without the fourth channel, which is 0: images. */
  image?: string;
}

/** Adds the nodes that stand for one traced node, and says with `put` what its output is. */
export type Translation = (node: Node, at: Translator) => void;

export class Translator {
  private readonly places = new Map<Tensor, Place>();
  private readonly entries: ReadonlyMap<Tensor, NamedTensor>;

  constructor(
    readonly graph: GraphBuilder,
    entries: readonly NamedTensor[],
    private readonly tensors: ReadonlyMap<string, TorchTensor>,
  ) {
    this.entries = new Map(entries.map((entry) => [entry.tensor, entry]));
  }

  /** Says what a tensor is in the graph. */
  put(tensor: Tensor, place: Readonly<Place>): void {
    this.places.set(tensor, { ...place });
  }

  /** The tensor as it is traced. */
  plain(tensor: Tensor): string {
    const place = this.place(tensor);
    place.plain ??= this.graph.node('Transpose', [this.map(tensor)], { perm: [0, 2, 3, 1] });
    return place.plain;
  }

  /** A tensor [N, H, W, C] as [N, C, H, W]. */
  map(tensor: Tensor): string {
    const place = this.place(tensor);
    if (place.map === undefined && place.image !== undefined) {
      const pads = this.graph.integers([0, 0, 0, 0, 0, 1, 0, 0]);
      place.map = this.graph.node('Pad', [place.image, pads], { mode: 'constant' });
    }
    place.map ??= this.graph.node('Transpose', [this.plain(tensor)], { perm: [0, 3, 1, 2] });
    return place.map;
  }

  /** Images without their fourth channel, [N, 3, H, W], where they are there so. */
  image(tensor: Tensor): string | undefined {
    return this.place(tensor).image;
  }

  /** Whether a tensor is there as a map, and would have to be turned to be read as it is traced. */
  isMap(tensor: Tensor): boolean {
    const { plain, map, image } = this.place(tensor);
    return plain === undefined && (map ?? image) !== undefined;
  }

  /** Weights of the network in PyTorch's layout; undefined for what is none. */
  stored(tensor: Tensor): TorchTensor | undefined {
    return this.entries.has(tensor) ? this.tensors.get(tensor.name) : undefined;
  }

  /** Sizes for nodes that take −1 for the one that is left: the batch's. */
  sizes(shape: Shape): readonly number[] {
    return shape.map((size) => (ofBatch(size) ? -1 : size));
  }

  /** A value under another shape, of which at most one size is the batch's. */
  reshape(value: string, shape: Shape): string {
    return this.graph.node('Reshape', [value, this.graph.integers(this.sizes(shape))]);
  }

  private place(tensor: Tensor): Place {
    const known = this.places.get(tensor);
    if (known) return known;
    const place = { plain: this.leaf(tensor) };
    this.places.set(tensor, place);
    return place;
  }

  /** Weights and constants, as they are read the first time. */
  private leaf(tensor: Tensor): string {
    const { origin, shape, name } = tensor;
    if (origin.kind === 'constant') {
      const { data } = origin;
      return tensor.size <= mostShared
        ? this.graph.floats([...data], shape)
        : this.graph.weights(name, shape, Float32Array.from(data));
    }
    const [entry, stored] = [this.entries.get(tensor), this.stored(tensor)];
    if (!entry || !stored) throw new Error(`${tensor} has no value in the model`);
    return this.graph.weights(name, shape, fromTorch(entry, stored.data));
  }
}

/** Whether a size is the batch's, or a multiple of it. */
export const ofBatch = (size: number): boolean => size % tracedBatch === 0 && size > 0;

/** Where an axis of [N, H, W, C] is in [N, C, H, W]. */
export const mapAxis = (axis: number): number => [0, 2, 3, 1][axis];

/** For constants with one element. */
export const isScalar = ({ shape }: Tensor): boolean => elements(shape) === 1;
