import type { Tensor } from '../graph/tensor.ts';
import { variable } from '../graph/trace.ts';
import { normal, unitRows } from '../nn/init.ts';
import { add } from '../ops/add.ts';
import { mul } from '../ops/binary.ts';
import { gatherRows } from '../ops/gather_rows.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { indexCopy } from '../ops/narrow.ts';

/** Sizes of a `MemoryBank`, and how fast it changes. */
export interface MemoryBankOptions {
  /** Rows, one for each image of the data set. */
  readonly images: number;
  readonly dimensions: number;
  readonly seed: number;
  /** Share of the old row in the new one, before it is normalised. */
  readonly momentum: number;
}

/**
 * A unit vector for each image of the data set (Wu et al., 2018), an average of what the network made of it in the epochs so far. Random
 * at first. `rows` is to be declared in `Learner.kept`.
 */
export class MemoryBank {
  /** [images, D] */
  readonly rows: Tensor;

  constructor(private readonly options: MemoryBankOptions) {
    const { images, dimensions, seed } = options;
    this.rows = variable('bank', [images, dimensions], () =>
      unitRows(normal(seed, 'bank', images * dimensions, 1), dimensions),
    );
  }

  /**
   * Records that the rows of the images of a batch move towards their unit vectors v [N, D]: normalise(m old + (1 − m) v); not
   * where `made` (of `Step.after`) is 0.
   *
   * @param index u32 [N]: the image of each row of v, none twice
   */
  update(index: Tensor, v: Tensor, made?: Tensor): void {
    const { momentum } = this.options;
    const moved = add(mul(gatherRows(this.rows, index), momentum), mul(v, 1 - momentum));
    indexCopy(this.rows, l2Normalize(moved), index, { made });
  }
}
