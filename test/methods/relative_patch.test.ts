import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { placeOf, relativePatch } from '../../src/methods/relative_patch.ts';
import { StepFeeds } from '../../src/ssl/feeds.ts';
import { type patchColourings, patchColours } from '../../src/ssl/patch_colours.ts';
import { learnerOf, viewsOf } from '../../src/train/learner.ts';
import type { GivenSettings } from '../../src/train/settings.ts';
import { noise } from '../ops/harness.ts';
import { interpret, type Values } from '../reference/interpreter.ts';
import { expectClassOfImages, lossOfFlatViews } from './classes_of_images.ts';
import { testMethod, tinySettings } from './harness.ts';

testMethod(relativePatch, { headWidth: 16 });

const made = (given: GivenSettings = {}) => {
  const settings = tinySettings(relativePatch, { headWidth: 16, pairs: 1, ...given });
  return { settings, learner: learnerOf(settings, { count: 17, classes: 0 }), group: viewsOf(settings)[0] };
};
const time = { seed: 1, step: 1, epoch: 3, steps: 9, perEpoch: 3, indices: Uint32Array.of(3, 5), first: 0 };

/** What the reference makes of two pairs of patches. */
function valuesOf(feeds: StepFeeds, build: () => Tensor): Values {
  const { graph, result } = trace(build);
  const inputs = feeds.values(time);
  const leaves = graph.nodes.flatMap((node) => node.inputs).filter(({ origin }) => origin.kind === 'input');
  return interpret(graph, new Map(leaves.map((leaf) => [leaf, Float64Array.from(inputs[leaf.name])]))).get(result)!;
}

const pixels = (rows: number) => noise(rows * 256 * 4, 5).map((v, i) => (i % 4 === 3 ? 0 : v));

it('channels of noise are not made as strong as the image', () => {
  const refused = () => made({ patchColors: 'drop', input: 'standardized' });
  expect(refused).toThrow('--patch-colors drop leaves noise in channels');
  expect(() => made({ patchColors: 'keep', input: 'standardized' })).not.toThrow();
});

describe('pairs of patches', () => {
  it('are at all eight places alike, others in other epochs', () => expectClassOfImages(made(), 'position', 8));

  it('lie where their class says, and count both ways', () => {
    const { learner, group } = made({ flip: 0 });
    const indices = Uint32Array.from({ length: 50 }, (_, i) => i);
    const feeds = new StepFeeds(50);
    trace(() => learner.step([constant('views', pixels(100), [100, 16, 16, 4])], feeds));
    const classes = feeds.values({ ...time, indices })['position'];
    for (const image of indices) {
      const [[top, left], [otherTop, otherLeft]] = [0, 1].map(
        (view) => group.parameters!(image, { ...time, indices }, view, { height: 96, width: 96 }).crop,
      );
      const place = placeOf(classes[image]);
      // From place to place 34 pixels, off by up to 4.
      expect(Math.abs(otherTop - top - 34 * (Math.floor(place / 3) - 1))).toBeLessThanOrEqual(4);
      expect(Math.abs(otherLeft - left - 34 * ((place % 3) - 1))).toBeLessThanOrEqual(4);
      expect(classes[image] + classes[50 + image]).toBe(7);
    }
  });

  it('of an image have one patch in common, and the others at all places', () => {
    const { learner, group } = made({ pairs: 8, flip: 0 });
    const indices = Uint32Array.of(3, 5);
    const feeds = new StepFeeds(2);
    expect(group.count).toBe(9);
    trace(() => learner.step([constant('views', pixels(18), [18, 16, 16, 4])], feeds));
    const classes = feeds.values(time)['position'] as Uint32Array;
    indices.forEach((image, i) => {
      const crops = Array.from(
        { length: 9 },
        (_, view) => group.parameters!(image, time, view, { height: 96, width: 96 }).crop,
      );
      const own = Array.from({ length: 8 }, (_, pair) => classes[2 * pair + i]);
      expect(own.toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      expect(own).not.toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      own.forEach((position, pair) => {
        expect(classes[16 + 2 * pair + i]).toBe(7 - position);
        const row = Math.round((crops[1 + pair][0] - crops[0][0]) / 34);
        const column = Math.round((crops[1 + pair][1] - crops[0][1]) / 34);
        expect(4 + 3 * row + column).toBe(placeOf(position));
      });
    });
  });

  it('of an image are judged as each pair alone', () => {
    const { learner } = made({ pairs: 2, patchColors: 'keep' });
    const alone = made({ patchColors: 'keep' }).learner;
    const logits = (of: typeof learner, rows: readonly number[]) => {
      const feeds = new StepFeeds(2);
      const patch = (row: number) => all.subarray(1024 * row, 1024 * (row + 1));
      const data = Float32Array.from(rows.flatMap((row) => [...patch(row)]));
      const build = () =>
        of.split!.embed([constant('views', data, [rows.length, 16, 16, 4])], feeds, { training: false });
      return valuesOf(feeds, build);
    };
    const all = pixels(6);
    const both = logits(learner, [0, 1, 2, 3, 4, 5]); // [first pairs, second pairs, first turned, second turned] of two images
    const [first, second] = [logits(alone, [0, 1, 2, 3]), logits(alone, [0, 1, 4, 5])];
    const expected = [first.slice(0, 16), second.slice(0, 16), first.slice(16), second.slice(16)];
    expected.forEach((part, k) => {
      part.forEach((value, i) => expect(both[16 * k + i]).toBeCloseTo(value, 9));
    });
  });

  it('that are exchanged are the same pairs the other way round', () => {
    const { learner } = made({ patchColors: 'keep' });
    const feeds = new StepFeeds(2);
    const views = pixels(4);
    const logits = (data: Float32Array) =>
      valuesOf(feeds, () =>
        learner.split!.embed([constant('views', data, [4, 16, 16, 4])], feeds, { training: false }),
      );
    const half = views.length / 2;
    const exchanged = Float32Array.of(...views.subarray(half), ...views.subarray(0, half));
    const [one, other] = [logits(views), logits(exchanged)];
    for (let i = 0; i < 32; i++) expect(other[(i + 16) % 32]).toBeCloseTo(one[i], 9);
    expect(Math.max(...one.map((v, i) => Math.abs(v - other[i])))).toBeGreaterThan(1e-3);
  });

  it('of patches that are all the same give what guessing gives', () => {
    const { learner } = made({ patchColors: 'project' });
    expect(Math.abs(lossOfFlatViews(learner, 2, 16) - Math.log(8))).toBeLessThan(0.05);
  });
});

describe('colours of patches', () => {
  const coloured = (colouring: (typeof patchColourings)[number], data = pixels(4)) => {
    const feeds = new StepFeeds(2);
    const build = () =>
      patchColours(constant('patches', data, [4, 16, 16, 4]), colouring, 2, feeds, { normalize: 'imagenet' });
    return valuesOf(feeds, build);
  };
  const deviations = (y: Values) =>
    Array.from({ length: 4 }, (_, patch) =>
      [0, 1, 2, 3].map((c) =>
        Math.sqrt(
          Array.from({ length: 256 }, (_, i) => y[4 * (256 * patch + i) + c] ** 2).reduce((a, b) => a + b) / 256,
        ),
      ),
    );

  it('dropped: one channel is left, three times as large, and noise of a hundredth of it; the fourth stays 0', () => {
    for (const [red, green, blue, none] of deviations(coloured('drop'))) {
      const [kept, ...others] = [red, green, blue].toSorted((a, b) => b - a);
      expect(kept).toBeCloseTo(3, 2);
      for (const other of others) expect(Math.abs(other - 0.03)).toBeLessThan(0.006);
      expect(none).toBe(0);
    }
  });

  it('projected: what is more green than magenta does not matter, all else does', () => {
    const [r, g, b] = [0.229, 0.224, 0.225];
    const shifted = (by: readonly number[]) => {
      const amounts = noise(4 * 256, 9);
      return pixels(4).map((v, i) => v + (i % 4 === 3 ? 0 : by[i % 4] * amounts[Math.floor(i / 4)]));
    };
    const plain = coloured('project');
    const difference = (by: readonly number[]) =>
      Math.max(...coloured('project', shifted(by)).map((v, i) => Math.abs(v - plain[i])));
    expect(difference([-1 / r, 2 / g, -1 / b])).toBeLessThan(1e-4);
    expect(difference([1 / r, 0, -1 / b])).toBeGreaterThan(0.1);
  });
});
