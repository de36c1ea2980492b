/** Whether a run is resumed with the images that it was started with. */

import type { Dataset } from '../data/dataset.ts';
import { inventoryDifference, inventoryDigest } from '../data/inventory.ts';
import { kindOf, nounOf, type SampleSet } from '../data/samples.ts';
import { UserError } from '../errors.ts';
import { counted } from '../io/counted.ts';
import type { Communicator } from '../mpi/communicator.ts';

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

/**
 * Whether processes that compute features together have the same encoder and the same data. To be called by all.
 * @throws UserError, the same on all: which of them has something else
 */
export async function checkSameEvaluation(
  ranks: Communicator | undefined,
  encoder: { readonly path: string; readonly digest: string },
  data: string,
  { files }: Pick<Dataset<SampleSet>, 'files'>,
): Promise<void> {
  if (!ranks) return;
  for (const [path, digest] of [
    [encoder.path, encoder.digest],
    [data, inventoryDigest(files)],
  ]) {
    const all = await ranks.collect(digest);
    const other = all.findIndex((one) => one !== all[0]);
    if (other > 0)
      throw new UserError(
        `${path}: is not the same for rank ${other} as for rank 0; give all processes the same files`,
      );
  }
}
