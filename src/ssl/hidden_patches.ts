/** Patches that a student does not see and whose tokens it has to tell, as a teacher that sees them has them: iBOT, data2vec. */
import { z } from 'zod';
import { UserError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Naming } from '../io/checked.ts';
import type { Encoder } from '../nn/encoder.ts';
import { isVit } from '../nn/encoder_shape.ts';
import type { Mode } from '../nn/module.ts';
import { type HiddenTokens, Vit } from '../nn/vit.ts';
import { reshape } from '../ops/reshape.ts';
import { concat } from '../ops/strided_copy.ts';
import type { Feeds, StepTime } from './feeds.ts';
import { cropFeatures } from './multi_crop.ts';
import { drawKeys, keptOf, maskByKeys, type PatchSampling, patchSamplings } from './patch_masks.ts';
import { random } from './rng.ts';
import { positive, type SharedSettings } from './settings.ts';

/** Own settings of a method with hidden patches, a share of `ratio` of them by default. */
export const hiddenPatchOptions = (ratio = 0.5) => ({
  maskRatio: positive().max(0.99).default(ratio).describe('share of the patches that are hidden from the student'),
  sampling: z
    .enum(patchSamplings)
    .default('block')
    .describe('which: random, block (within rectangles), or grid (all but one of each 2×2)'),
});

/** UserError: the encoder has no patches that could be hidden. @param what asks for it: `method data2vec` */
export function checkTransformer({ architecture, input }: SharedSettings, name: Naming, what: string): void {
  const fault = (text: string) => new UserError(`${what}: ${text}`, 2);
  if (!isVit(architecture))
    throw fault(`${name('architecture')} must be a vision transformer, such as vit_tiny, not ${architecture}`);
  if (input !== 'rgb') throw fault(`${name('input')} must be rgb, not ${input}, as patches are hidden`);
}

/** The encoder that `checkTransformer` has let pass. */
export function vitOf(f: Encoder): Vit {
  if (f instanceof Vit) return f;
  throw new Error('only a vision transformer has patches to hide');
}

/** Which patches `hiddenPatches` hides. */
export interface HiddenPatchOptions {
  /** Images of a batch, N, and patches along a side of each. */
  readonly images: number;
  readonly grid: number;
  /** Share of the patches that are hidden: M of L, one at least and not all. */
  readonly ratio: number;
  readonly sampling: PatchSampling;
  /** Views of each image, of which one has hidden patches, whichever is drawn; 1 by default. */
  readonly views?: number;
}

/** The patches of a batch that are hidden, by `hiddenPatches`. */
export interface HiddenPatches {
  /** f32 [views · N, L, 1]: 1 where a patch is hidden; view v of image i in row v · N + i. */
  readonly mask: Tensor;
  /** u32 [N · M]: the hidden patches, as rows of [views · N · L]. */
  readonly rows: Tensor;
}

/** Draws hidden patches by seed, epoch and image: feeds `hidden` and `hidden patches`. */
export function hiddenPatches(feeds: Feeds, options: HiddenPatchOptions): HiddenPatches {
  const { images, grid, ratio, sampling, views = 1 } = options;
  const patches = grid * grid;
  const kept = Math.min(patches - 1, keptOf(patches, ratio));
  const draw = (image: number, { seed, epoch }: StepTime) => {
    const numbers = random(seed, epoch, image);
    const { ranks } = maskByKeys(drawKeys(sampling, grid, patches - kept, numbers), kept);
    return { isHidden: (patch: number) => ranks[patch] >= kept, view: numbers.below(views) };
  };
  const all = Array.from({ length: patches }, (_, patch) => patch);
  const rows = feeds.rowsOf('hidden patches', patches - kept, (image, place, time) => {
    const { isHidden, view } = draw(image, time);
    return all.filter(isHidden).map((patch) => (view * images + place) * patches + patch);
  });
  const mask = feeds.views('hidden', views, patches, (image, time, view) => {
    const drawn = draw(image, time);
    return all.map((patch) => Number(view === drawn.view && drawn.isHidden(patch)));
  });
  return { mask: reshape(mask, [views * images, patches, 1]), rows };
}

/**
 * Features of all crops, [V · N, D], the global ones first, as `cropFeatures` has them. With `hidden`, the tokens of all patches of the
 * global ones too, [2 · N · L, D]; with its token, that stands in the places of hidden ones.
 */
export function seenBy(
  f: Encoder,
  [globals, ...locals]: readonly Tensor[],
  mode: Mode,
  hidden?: Pick<HiddenTokens, 'mask'> & Partial<HiddenTokens>,
): { readonly features: Tensor; readonly patches?: Tensor } {
  if (!hidden) return { features: cropFeatures(f, [globals, ...locals], mode) };
  const { token, mask } = hidden;
  const { features, patches } = vitOf(f).tokens(globals, mode, token && { mask, token });
  return { features: concat([features, ...locals.map((crops) => f.forward(crops, mode))], 0), patches };
}
