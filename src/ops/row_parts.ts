import { bytesPerElement, check, type Launch, Scratch, type Shape, type Tensor } from '../graph/tensor.ts';
import { sumLaunches } from './reduce.ts';

/** A tensor [..., columns] as rows, each of which is reduced in so many interleaved parts. */
export interface RowParts {
  readonly rows: number;
  readonly columns: number;
  readonly parts: number;
}

/** The longest row that one invocation reduces alone. */
const shortRow = 64;
const mostParts = 256;

/**
 * How rows are reduced without barriers, which software rasterisers run at a hundredth of the speed: part p of a row is
 * its columns p, p + parts, …, so that the invocations of a row read neighbours; about √columns parts, whose results
 * [parts, rows] a second launch merges.
 */
export function rowParts(shape: Shape, size: number): RowParts {
  const columns = shape.at(-1)!;
  const parts = columns <= shortRow ? 1 : Math.min(mostParts, 2 ** Math.round(Math.log2(columns) / 2));
  return { rows: size / columns, columns, parts };
}

/**
 * What `launch` leaves of the parts [parts, rows · width] added up: into a scratch [rows · width], `width` numbers a
 * row.
 */
export function sumOfParts(
  name: string,
  { rows, parts }: RowParts,
  width: number,
  launch: (sums: Scratch) => Launch,
): { sums: Scratch; launches: Launch[] } {
  const sums = new Scratch(name, rows * width * bytesPerElement);
  if (parts === 1) return { sums, launches: [launch(sums)] };
  const partial = new Scratch(`${name} of parts`, parts * rows * width * bytesPerElement);
  return { sums, launches: [launch(partial), ...sumLaunches(partial, sums, parts, rows * width)] };
}

/** Throws unless x is f32 or f16 [..., columns] with something in it. */
export function checkRows(op: string, x: Tensor): void {
  const holds = (x.dtype === 'f32' || x.dtype === 'f16') && x.shape.length >= 1 && x.size > 0;
  check(holds, op, 'the input must be f32 or f16 [..., columns]', x);
}
