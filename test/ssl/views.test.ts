/** Views of groups: what is drawn, and that a crop without colours takes one kernel and loses nothing. */
import { expect, it } from 'vitest';
import type { ImageSet } from '../../src/data/images.ts';
import { normalization } from '../../src/data/preparation.ts';
import { hostImages, residentImages } from '../../src/data/source.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { trace } from '../../src/graph/trace.ts';
import { augment, augmentParameters } from '../../src/ops/augment.ts';
import { StepFeeds } from '../../src/ssl/feeds.ts';
import type { ViewGroup } from '../../src/ssl/method.ts';
import { augmentationConfig, sharedSettings } from '../../src/ssl/settings.ts';
import { blurKernel, traceViews } from '../../src/ssl/views.ts';
import { onEveryAdapter } from '../ops/harness.ts';
import { drawn } from '../train/drawn.ts';

const images = drawn('train', 6, 20);
const source = hostImages(images);
const crop = augmentationConfig(sharedSettings.parse({ jitter: 0, grayscale: 0, blur: 0 }));
const colours = { normalize: 'imagenet' } as const;
const indices = Uint32Array.of(5, 2, 3);
const time = { seed: 7, step: 1, epoch: 4, steps: 9, perEpoch: 2, indices, first: 0 };

onEveryAdapter((gpu) => {
  it('a crop without colours is, to the last bit, what the augmentation makes of it', async () => {
    const feeds = new StepFeeds(3);
    const { graph, result } = trace(() => {
      const [cropped] = traceViews(source, [{ count: 2, size: 16, augmentation: crop }], feeds, colours);
      const seeds = feeds.input('same', [4], 'u32', ({ seed, epoch }) => Uint32Array.of(seed, 0, epoch, 0));
      const again = feeds.input('again', [3], 'u32', () => indices);
      const size = { height: 20, width: 20 };
      const parameters = augmentParameters(again, seeds, { ...crop, ...size, views: 2 });
      const options = { ...size, size: 16, blurKernel: blurKernel(16), ...normalization(colours), antialias: true };
      const packed = feeds.input('packed', [3, 300], 'u32', () => source.inputs(indices)['images'] as Uint32Array);
      return { cropped, augmented: augment(packed, parameters, options) };
    });
    expect(graph.nodes.map(({ op }) => op.name)).toContain('preprocess');
    const state = new State(gpu());
    const program = await Program.compile(graph, state, result);
    const { cropped, augmented } = await program.run({ ...feeds.values(time), ...source.inputs(indices) }).read();
    expect(new Set(cropped).size).toBeGreaterThan(100);
    expect(cropped).toEqual(augmented);
    program.destroy();
    state.destroy();
    gpu().trim();
  });

  it.each(['resident', 'host'] as const)(
    'of a table are of its images in their turn, drawn for the image of the batch: images %s',
    async (kind) => {
      const state = new State(gpu());
      const source = kind === 'host' ? hostImages(images) : residentImages(state, images);
      // Images 5, 2 and 3 of the batch have neighbours of their own in each of three columns.
      const table = Uint32Array.from({ length: 18 }, (_, i) => (Math.floor(i / 3) + 1 + (i % 3)) % 6);
      const group = { count: 2, size: 12, augmentation: crop, stream: 9 };
      const feeds = new StepFeeds(3);
      const { graph, result } = trace(() => {
        const from = { name: 'table', columns: 3 };
        const [own, others] = traceViews(source, [group, { ...group, from }], feeds, colours);
        return { own, others };
      });
      const program = await Program.compile(graph, state, result);
      const run = async (epoch: number, batch: Uint32Array) => {
        const fed = feeds.values({ ...time, epoch, indices: batch }, { table });
        const values = await program.run({ ...fed, ...source.inputs(batch) }).read();
        return values as Record<'own' | 'others', Float32Array>;
      };
      const view = 12 * 12 * 4;
      const { own, others } = await run(4, indices);
      expect(own).not.toEqual(others);
      // Epoch 4 begins at column 4 · 2 mod 3. With the others in their places the same draws make the same views.
      for (const [row, of] of [5, 2, 3, 5, 2, 3].entries()) {
        const other = table[of * 3 + ((8 + Math.floor(row / 3)) % 3)];
        const swapped = { ...images, read: (_: number, ...to: [Uint8Array, number]) => images.read(other, ...to) };
        const wanted = await viewsOf(state, swapped, group);
        expect(others.subarray(row * view, (row + 1) * view), `row ${row}`).toEqual(
          wanted.subarray(row * view, (row + 1) * view),
        );
      }
      expect(feeds.ofEpoch).toEqual([{ name: 'table', dtype: 'u32', columns: 3 }]);
      expect(() => feeds.values(time)).toThrow("beforeEpoch returned nothing named 'table'");
      program.destroy();
      state.destroy();
      gpu().trim();
    },
  );
});

/** Views of a group as training makes them of the images themselves. */
async function viewsOf(state: State, set: ImageSet, group: ViewGroup): Promise<Float32Array> {
  const feeds = new StepFeeds(3);
  const source = hostImages(set);
  const { graph, result } = trace(() => ({ views: traceViews(source, [group], feeds, colours)[0] }));
  const program = await Program.compile(graph, state, result);
  const { views } = await program.run({ ...feeds.values(time), ...source.inputs(indices) }).read();
  program.destroy();
  return views as Float32Array;
}
