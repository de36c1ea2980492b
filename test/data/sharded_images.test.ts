/** Images of which a process has a part on its device. */
import { expect, it } from 'vitest';
import { shardedImages } from '../../src/data/sharded_images.ts';
import { type ImageSource, imageWords, packImages, residentImages } from '../../src/data/source.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { input, trace } from '../../src/graph/trace.ts';
import { onEveryAdapter } from '../ops/harness.ts';
import { drawn } from '../train/drawn.ts';

const set = drawn('train', 30, 15); // whose images do not fill their last word

async function gathered(state: State, source: ImageSource, ...batches: readonly Uint32Array[]) {
  const { graph, result } = trace(() => ({ images: source.images(input('indices', [3], 'u32')) }));
  const program = await Program.compile(graph, state, result);
  const all: unknown[] = [];
  for (const indices of batches) {
    source.hold?.(indices);
    const wanted = indices.slice(0, 3).reverse();
    all.push((await program.run({ indices: wanted, ...source.inputs(wanted) }).read()).images);
  }
  program.destroy();
  return all;
}

/** Bytes on the device of what a source holds. */
function bytesOf(gpu: Gpu, make: (state: State) => ImageSource): number {
  const state = new State(gpu);
  const before = gpu.bytes;
  make(state);
  const bytes = gpu.bytes - before;
  state.destroy();
  return bytes;
}

onEveryAdapter((gpu) => {
  it('they are gathered by their numbers in the set, whatever others were there before', async () => {
    const state = new State(gpu());
    const source = shardedImages(state, set, 10);
    const batches = [
      Uint32Array.of(29, 3, 17, 0),
      Uint32Array.from({ length: 10 }, (_, i) => 2 * i),
      Uint32Array.of(17, 5, 29),
    ];
    const expected = batches.map((indices) => packImages(set, indices.slice(0, 3).reverse()));
    expect(await gathered(state, source, ...batches)).toEqual(expected);
    expect(() => source.inputs(Uint32Array.of(17, 4))).toThrow('image 4 is not among those on this device');
    expect(() => source.hold!(new Uint32Array(11))).toThrow('11 images for 10 places');
    state.destroy();
  });

  it('they take the memory of their part only', () => {
    const bytes = 4 * imageWords(set);
    const part = bytesOf(gpu(), (state) => {
      const source = shardedImages(state, set, 10);
      source.hold!(Uint32Array.from({ length: 10 }, (_, i) => i));
      return source;
    });
    expect(part).toBe(10 * bytes);
    expect(bytesOf(gpu(), (state) => residentImages(state, set))).toBe(30 * bytes);
  });
});
