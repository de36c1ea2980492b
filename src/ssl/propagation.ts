/** Carrying what is known of the first frame of a clip through the others, by a pointer. */
import type { Tensor } from '../graph/tensor.ts';
import { carry, pointer } from '../losses/pointer.ts';
import { reshape } from '../ops/reshape.ts';
import { concat, slice } from '../ops/strided_copy.ts';

/** From where frames copy. */
export interface PropagationOptions {
  /** How many frames before it a frame copies from, beside the first. */
  readonly frames: number;
  readonly temperature: number;
}

/** The frames that frame t > 0 copies from: the first, whose values are known, and those before it, which hold it where it moves. */
export function copiedFrom(t: number, frames: number): number[] {
  const before = Array.from({ length: Math.min(frames, t) }, (_, j) => t - 1 - j);
  return [0, ...before.filter((frame) => frame > 0).reverse()];
}

/**
 * Carries labels of the places of a clip's first frame through the clip, frame by frame: each takes from the first and from what those
 * before it took.
 *
 * @param places embeddings [T, P, D] of the clip's frames in their order
 * @param first labels [1, P, C] of the first frame: colours, or masks of objects
 * @returns [T, P, C]; the first frame's are as they were given
 */
export function propagate(places: Tensor, first: Tensor, { frames, temperature }: PropagationOptions): Tensor {
  const [times, count, dimensions] = places.shape;
  const channels = first.shape[2];
  const carried = [first];
  for (let t = 1; t < times; t++) {
    const sources = copiedFrom(t, frames);
    const rows = (tensors: readonly Tensor[], width: number) =>
      reshape(tensors.length > 1 ? concat(tensors, 1) : tensors[0], [1, sources.length * count, width]);
    const reference = rows(
      sources.map((s) => slice(places, 0, s, s + 1)),
      dimensions,
    );
    const attention = pointer(slice(places, 0, t, t + 1), reference, { temperature });
    const known = rows(
      sources.map((s) => carried[s]),
      channels,
    );
    carried.push(carry(attention, known));
  }
  return carried.length > 1 ? concat(carried, 0) : first;
}
