/** Views of groups: what is drawn, and that a crop without colours takes one kernel and loses nothing. */
import { expect, it } from 'vitest';
import { normalization } from '../../src/data/preparation.ts';
import { hostImages } from '../../src/data/source.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { trace } from '../../src/graph/trace.ts';
import { augment, augmentParameters } from '../../src/ops/augment.ts';
import { StepFeeds } from '../../src/ssl/feeds.ts';
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
});
