import { UserError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { variable } from '../graph/trace.ts';
import { normal, unitRows } from '../nn/init.ts';
import { indexCopy } from '../ops/narrow.ts';
import type { Feeds } from './feeds.ts';

export interface QueueOptions {
  /** Rows, K; a multiple of what a step pushes. */
  readonly size: number;
  readonly dimensions: number;
  readonly seed: number;
  /** Rows that a step pushes. */
  readonly pushed: number;
}

/** UserError: a step's keys do not divide the queue, whose oldest rows are overwritten as a whole. `flag`: how the user knows the size. */
export function checkQueue(size: number, pushed: number, flag: string): void {
  if (size % pushed === 0) return;
  const [below, above] = [Math.floor(size / pushed), Math.ceil(size / pushed)].map((times) => times * pushed);
  const near = below === 0 ? above : `${below} or ${above}`;
  throw new UserError(`${flag} (${size}) must be a multiple of the ${pushed} keys that a step adds: use ${near}`, 2);
}

/**
 * The last K keys (He et al., 2020): a ring in which the oldest rows are overwritten. Step t writes from row (t − 1) · N mod K on, so that
 * there is no pointer to keep. Filled with random unit vectors at first. `rows` is to be declared in `Learner.kept`.
 */
export class Queue {
  /** [K, D] */
  readonly rows: Tensor;

  constructor(private readonly options: QueueOptions) {
    const { size, dimensions, seed, pushed } = options;
    if (size % pushed !== 0) throw new Error(`a queue of ${size} rows cannot take ${pushed} at a time: see checkQueue`);
    this.rows = variable('queue', [size, dimensions], () =>
      unitRows(normal(seed, 'queue', size * dimensions, 1), dimensions),
    );
  }

  /** Records that the oldest rows are overwritten by keys [N, D]; not where `made` (of `Step.after`) is 0: the step was left out. */
  push(keys: Tensor, feeds: Feeds, made: Tensor): void {
    const { size, pushed } = this.options;
    const first = feeds.index('row of the queue', ({ step }) => ((step - 1) * pushed) % size);
    indexCopy(this.rows, keys, first, { made });
  }
}
