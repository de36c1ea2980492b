/** Whether a run is resumed with the images that it was started with. */

import type { Dataset } from '../data/dataset.ts';
import { inventoryDifference } from '../data/inventory.ts';
import { kindOf, nounOf, type SampleSet } from '../data/samples.ts';
import { UserError } from '../errors.ts';
import { counted } from '../io/counted.ts';

/**
 * @param folder of the run, or of the experiment, which keeps the list of its images
 * @param data where the images are
 * @param before what its config says of them; runs of older versions have no digest, and only the numbers are compared
 * @throws UserError other images, and as far as is known, which
 */
export function checkSameImages(
  folder: string,
  data: string,
  before: { readonly images: number; readonly imagesDigest?: string | undefined },
  { train, files }: Pick<Dataset<SampleSet>, 'train' | 'files'>,
): void {
  const kind = kindOf(train);
  const remedy = `restore them, give the same ${kind} with --data, or start a new run with another --out`;
  const difference = before.imagesDigest && inventoryDifference(folder, before.imagesDigest, files);
  if (difference)
    throw new UserError(`${data}: not the ${kind} that ${folder} was started with: ${difference}; ${remedy}`);
  if (train.count === before.images) return;
  throw new UserError(
    `${data}: has ${counted(train.count, nounOf[kind])}, ${folder} was started with ${before.images}; ${remedy}`,
  );
}
