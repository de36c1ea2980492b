import { normalization } from '../data/preparation.ts';
import { imagesOf, type SampleSource } from '../data/source.ts';
import type { Tensor } from '../graph/tensor.ts';
import { augment, augmentParameters, cropImages, packAugmentParameters, preprocess } from '../ops/augment.ts';
import { augmentOperations, type OperationSlot, operationTable } from '../ops/augment_operations.ts';
import type { StepFeeds, StepImages } from './feeds.ts';
import type { ViewGroup } from './method.ts';
import type { SharedSettings } from './settings.ts';

/** An odd blur kernel of about a tenth of the side: 9 at 96 pixels. */
export const blurKernel = (imageSize: number): number => Math.max(3, 2 * Math.floor(imageSize / 20) + 1);

/** The value of the `seeds` input of `augmentParameters`; other epochs and other streams have other draws. */
export const viewSeeds = (seed: number, epoch: number, stream = 0): Uint32Array =>
  Uint32Array.of(seed, Math.floor(seed / 2 ** 32), epoch, stream);

/**
 * Records the views of a batch: a tensor [count · N, size, size, 4] for each group; of data that are no images there are none. The images of a source are gathered once. What is drawn depends on the
 * image of the batch, also where the view is made of another one.
 */
export function traceViews(
  samples: SampleSource,
  groups: readonly ViewGroup[],
  feeds: StepFeeds,
  colours: Pick<SharedSettings, 'normalize'>,
): Tensor[] {
  if (groups.length === 0) return [];
  const source = imagesOf(samples);
  const { indices } = feeds;
  let gathered: Tensor | undefined;
  const batch: StepImages = { source, indices, images: () => (gathered ??= source.images(indices)) };
  return groups.map((group, i) => {
    const { augmentation, parameters: drawOf, count, stream = i, from, of } = group;
    const { indices, ...own } = of ? feeds.imagesOf(of) : batch;
    const { height, width } = own.source.set;
    const resample = { height, width, size: group.size, ...normalization(colours) };
    const images = () => (from ? feeds.imagesFrom(from, count, own.source) : own.images());
    if (drawOf) {
      const rows = feeds.views(`parameters of views ${i}`, count, 16, (image, time, view) =>
        packAugmentParameters(drawOf(image, time, view, { height, width })),
      );
      return augment(images(), rows, { ...resample, blurKernel: blurKernel(group.size), antialias: true });
    }
    if (!augmentation) {
      if (count !== 1)
        throw new Error(`view group ${i}: without augmentation all ${count} views are the same; give count 1`);
      return preprocess(images(), resample);
    }
    const name = i === 0 ? 'seeds' : `seeds of views ${i}`;
    // An image of another set may come more than once in an epoch of the batch's.
    const seeds = feeds.input(name, [4], 'u32', ({ seed, epoch, step }) => viewSeeds(seed, of ? step : epoch, stream));
    const { operations, ...config } = augmentation;
    const parameters = augmentParameters(indices, seeds, { ...config, height, width, views: count });
    if (isCropOnly(group)) return cropImages(images(), parameters, resample);
    const options = { ...resample, blurKernel: blurKernel(group.size), antialias: true };
    const drawn =
      operations && traceOperations(operations(group.size), [indices, seeds], feeds, { views: count, group: i });
    return augment(images(), parameters, options, drawn);
  });
}

/** Draws the operations of a group's views. What they are drawn from is fed, as a schedule changes it from epoch to epoch. */
function traceOperations(
  slots: readonly OperationSlot[],
  [indices, seeds]: readonly [Tensor, Tensor],
  feeds: StepFeeds,
  { views, group }: { readonly views: number; readonly group: number },
): Tensor {
  const rows = operationTable(slots, 0).length / 4;
  const table = feeds.input(`operations of views ${group}`, [rows, 4], 'f32', ({ epoch, steps, perEpoch }) =>
    operationTable(slots, (epoch * perEpoch) / steps),
  );
  return augmentOperations(indices, seeds, table, { slots, views });
}

/** Nothing is done to colours: one kernel in place of two, and the same values. */
const isCropOnly = ({ augmentation }: ViewGroup): boolean =>
  augmentation !== undefined &&
  !augmentation.operations &&
  [augmentation.jitter, augmentation.grayscale, augmentation.blur, augmentation.solarize ?? 0].every((p) => p === 0);
