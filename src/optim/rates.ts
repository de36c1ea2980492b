/** Learning rates and decays of a step: PyTorch's parameter groups within one flat variable, which one dispatch updates. */
import { flatAlignment, type Tensor } from '../graph/tensor.ts';
import { constant } from '../graph/trace.ts';

/** What some of the parameters are updated with in a step. */
export interface Rates {
  readonly lr: number;
  /** The optimiser's own by default. */
  readonly weightDecay?: number;
}

/** Which row of a step's rates a parameter takes. */
export type RateRow = (parameter: Tensor) => number;

/** Of each block of `flatAlignment` elements of a flat variable, the row of the rates that its parameter takes: u32 [blocks]. */
export function rateRows(weights: Tensor, rowOf: RateRow = () => 0): Tensor {
  const rows = new Uint32Array(weights.size / flatAlignment);
  let block = 0;
  for (const member of weights.members) {
    const next = block + Math.ceil(member.size / flatAlignment);
    rows.fill(rowOf(member), block, next);
    block = next;
  }
  return constant('rows of rates', rows);
}

/** How many rows the parameters of a flat variable take. */
export const countRows = ({ members }: Tensor, rowOf: RateRow = () => 0): number =>
  Math.max(0, ...members.map(rowOf)) + 1;

/** The rows of a step as one array; a number is the learning rate of the only row. Error: there are other rows than parameters take. */
export function ratesAs<T extends readonly number[]>(
  count: number,
  given: number | readonly Rates[],
  weightDecay: number,
  row: (lr: number, weightDecay: number) => T,
): Float32Array {
  const rates = typeof given === 'number' ? [{ lr: given }] : given;
  if (rates.length !== count) throw new Error(`the optimizer takes ${count} rows of rates, not ${rates.length}`);
  return Float32Array.from(rates.flatMap((rate: Rates) => row(rate.lr, rate.weightDecay ?? weightDecay)));
}
