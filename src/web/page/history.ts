/** The losses of a training, step by step, in a form that a chart of any width can draw. */

/** Mean, least and greatest of the losses of some steps that follow each other. */
export interface Bucket {
  readonly step: number;
  readonly mean: number;
  readonly least: number;
  readonly most: number;
}

export class History {
  private readonly values: number[] = [];

  /** Steps so far. */
  get length(): number {
    return this.values.length;
  }

  /** The loss of a step, from 1; that of the last step before it where it was not told. */
  at(step: number): number {
    return this.values[step - 1];
  }

  /** A step's loss. Steps that come again, as a training goes on from where it was kept, take the place of those before. */
  add(step: number, loss: number): void {
    if (step <= this.values.length) this.values.length = step - 1;
    while (this.values.length < step - 1) this.values.push(this.values.at(-1) ?? loss);
    this.values.push(loss);
  }

  clear(): void {
    this.values.length = 0;
  }

  /** At most `count` buckets of as many steps each, in their order. */
  buckets(count: number): Bucket[] {
    const per = Math.max(1, Math.ceil(this.values.length / count));
    const all: Bucket[] = [];
    for (let first = 0; first < this.values.length; first += per) {
      const some = this.values.slice(first, first + per);
      const mean = some.reduce((sum, value) => sum + value, 0) / some.length;
      all.push({ step: first + (some.length + 1) / 2, mean, least: Math.min(...some), most: Math.max(...some) });
    }
    return all;
  }
}

/**
 * Exponential moving average whose first values are not drawn towards zero (as Adam's first moment is corrected).
 *
 * @param weight of the past, 0 to below 1
 */
export function smoothed(values: readonly number[], weight: number): number[] {
  let average = 0;
  let total = 0;
  return values.map((value) => {
    average = weight * average + (1 - weight) * value;
    total = weight * total + (1 - weight);
    return average / total;
  });
}
