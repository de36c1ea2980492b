/** How a batch is divided among processes that train together: each has N/R images one after another. */
import { UserError } from '../errors.ts';
import type { Communicator } from '../mpi/communicator.ts';
import type { StepSettings } from './settings.ts';

type Ranks = Pick<Communicator, 'rank' | 'size'>;

/** Places in the batch, from `begin` to before `end`. */
export interface Share {
  readonly begin: number;
  readonly end: number;
}

/** What a process has of a batch; all of it where there is only one. */
export function shareOf(batch: number, { rank, size }: Ranks = { rank: 0, size: 1 }): Share {
  return { begin: (rank * batch) / size, end: ((rank + 1) * batch) / size };
}

/** What a process has of several batches, `order` one after another: its share of the first, of the second, … */
export function sharesOf(order: Uint32Array, batch: number, ranks?: Ranks): Uint32Array {
  const { begin, end } = shareOf(batch, ranks);
  const batches = order.length / batch;
  const own = new Uint32Array(batches * (end - begin));
  for (let b = 0; b < batches; b++) own.set(order.subarray(b * batch + begin, b * batch + end), b * (end - begin));
  return own;
}

/** Images that go through the network of a process at once. */
export const pieceOf = (
  { batchSize, microBatch }: Pick<StepSettings, 'batchSize' | 'microBatch'>,
  { size }: Pick<Ranks, 'size'> = { size: 1 },
): number => microBatch || batchSize / size;

/** UserError: the batch cannot be divided evenly. `name` says how the user knows the settings. */
export function checkShares(
  settings: Pick<StepSettings, 'batchSize' | 'microBatch'>,
  size: number,
  name: (setting: 'batchSize' | 'microBatch') => string = (setting) => setting,
): void {
  const { batchSize, microBatch } = settings;
  const fault = (text: string) => new UserError(text, 2);
  if (batchSize % size !== 0)
    throw fault(
      `${name('batchSize')} ${batchSize} is that of all ${size} processes, and must be a multiple of ${size}`,
    );
  const share = batchSize / size;
  if (microBatch === 0 || share % microBatch === 0) return;
  throw fault(
    `${name('microBatch')} (${microBatch}) must divide the ${share} images that each of ${size} processes has of ${name('batchSize')} ${batchSize}`,
  );
}
