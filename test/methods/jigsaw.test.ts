import { describe, expect, it } from 'vitest';
import { constant, trace } from '../../src/graph/trace.ts';
import { jigsaw, puzzlePermutations } from '../../src/methods/jigsaw.ts';
import { StepFeeds } from '../../src/ssl/feeds.ts';
import { hammingDistance } from '../../src/ssl/permutations.ts';
import { learnerOf, viewsOf } from '../../src/train/learner.ts';
import type { GivenSettings } from '../../src/train/settings.ts';
import { expectClassOfImages, lossOfFlatViews } from './classes_of_images.ts';
import { testMethod, tinySettings } from './harness.ts';

testMethod(jigsaw, { headWidth: 16, permutations: 8 });

const made = (given: GivenSettings = {}) => {
  const settings = tinySettings(jigsaw, { headWidth: 16, ...given });
  return { settings, learner: learnerOf(settings, { count: 17, classes: 0 }), group: viewsOf(settings)[0] };
};

const at = (epoch: number, indices: Uint32Array) =>
  ({ seed: 1, step: 1, epoch, steps: 9, perEpoch: 3, indices, first: 0 }) as const;

describe('puzzles', () => {
  it('are of all permutations alike, other ones in other epochs', () => expectClassOfImages(made(), 'permutation', 64));

  it('have the tiles of their permutation, cut out where it says', () => {
    const { learner, group } = made({ flip: 0, permutations: 64 });
    const indices = Uint32Array.from({ length: 60 }, (_, i) => i);
    const feeds = new StepFeeds(indices.length);
    const tiles = constant('tiles', new Float32Array(9 * 60 * 256 * 4), [9 * 60, 16, 16, 4]);
    trace(() => learner.step([tiles], feeds));
    const numbers = feeds.values(at(3, indices))['permutation'];
    const orders = puzzlePermutations({ permutations: 64, permutationSet: 'affine' });
    for (const image of indices) {
      const views = Array.from({ length: 9 }, (_, view) =>
        group.parameters!(image, at(3, indices), view, { height: 96, width: 96 }),
      );
      // A cell has 30 pixels, a tile 23, so that tiles of one row are up to 7 apart.
      const starts = views.map(({ crop: [top, left] }) => [top, left]);
      const [firstTop, firstLeft] = [0, 1].map((axis) => Math.min(...starts.map((start) => start[axis])));
      const places = starts.map(
        ([top, left]) => 3 * Math.round((top - firstTop) / 30) + Math.round((left - firstLeft) / 30),
      );
      expect(places).toEqual(orders[numbers[image]]);
      expect(new Set(views.map(({ grayscale }) => grayscale)).size, 'colours').toBe(1);
    }
  });

  it('are grey in three of ten, mirrored in half of them', () => {
    const { group } = made();
    const drawn = Array.from({ length: 2000 }, (_, image) =>
      group.parameters!(image, at(0, Uint32Array.of(image)), image % 9, { height: 96, width: 96 }),
    );
    const share = (of: 'grayscale' | 'flip') => drawn.filter((view) => view[of]).length / drawn.length;
    expect(Math.abs(share('grayscale') - 0.3)).toBeLessThan(0.04);
    expect(Math.abs(share('flip') - 0.5)).toBeLessThan(0.045);
  });

  it('of tiles that are all the same give what guessing gives', () => {
    const { learner } = made();
    expect(Math.abs(lossOfFlatViews(learner, 9, 16) - learner.chance!.loss)).toBeLessThan(0.05);
  });
});

describe('permutations of the settings', () => {
  it('are those of the set that is asked for', () => {
    const sets = (['affine', 'far', 'paper'] as const).map((permutationSet) =>
      puzzlePermutations({ permutations: 10, permutationSet }),
    );
    const least = sets.map((set) =>
      Math.min(...set.flatMap((a, i) => set.slice(0, i).map((b) => hammingDistance(a, b)))),
    );
    expect(sets.map((set) => set.length)).toEqual([10, 10, 10]);
    expect([least[0], least[1] >= 8, least[2] < 8]).toEqual([8, true, true]);
  });

  it('there are 72 affine ones', () => {
    expect(() => made({ permutations: 73 })).toThrow(/affine has 72 permutations, not 73/);
    expect(made({ permutations: 72 }).learner.chance!.loss).toBeCloseTo(Math.log(72), 6);
    expect(() => tinySettings(jigsaw, { permutations: 73, permutationSet: 'far' })).not.toThrow();
  });
});
