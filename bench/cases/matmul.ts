import { constant } from '../../src/graph/trace.ts';
import { matmul } from '../../src/ops/matmul.ts';
import { noise } from '../arrays.ts';
import type { Item, ListItems } from '../benchmark.ts';
import { graphItem } from '../graph_implementation.ts';
import { simclrSettings } from '../simclr.ts';

/** c [m, n] = A B. Value to compare: `c`. */
export interface MatmulProblem {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** a is [k, m] and A its transpose; else a is [m, k]. */
  readonly transposeA: boolean;
  /** b is [n, k] and B its transpose; else b is [k, n]. */
  readonly transposeB: boolean;
  readonly a: Float32Array;
  readonly b: Float32Array;
}

type Product = Omit<MatmulProblem, 'a' | 'b'>;

const product = (m: number, n: number, k: number, transposeA = false, transposeB = false): Product => ({
  m,
  n,
  k,
  transposeA,
  transposeB,
});

function build({ m, n, k, transposeA, transposeB, ...problem }: MatmulProblem) {
  const a = constant('a', problem.a, transposeA ? [k, m] : [m, k]);
  const b = constant('b', problem.b, transposeB ? [n, k] : [k, n]);
  return { c: matmul(a, b, { transposeA, transposeB }) };
}

const itemOf = (shape: Product, label: string): Item<MatmulProblem> =>
  graphItem({
    name: 'matmul',
    shape: label,
    make: () => ({ ...shape, a: noise('a', shape.m * shape.k), b: noise('b', shape.k * shape.n) }),
    build,
    tolerance: () => 1e-5,
  });

/** The head's products in a step of this size, a layer forward, then its weight gradient; and square ones. */
const list: ListItems<MatmulProblem> = ({ pairs, quick }) => {
  const { embeddingDim, headWidth: width } = simclrSettings();
  const rows = 2 * pairs;
  const head: [Product, string][] = [
    [product(rows, width, width, false, true), `${rows}×${width} · (${width}×${width})ᵀ`],
    [product(rows, embeddingDim, width, false, true), `${rows}×${width} · (${embeddingDim}×${width})ᵀ`],
    [product(width, width, rows, true, false), `(${rows}×${width})ᵀ · ${rows}×${width}`],
  ];
  const square = (quick ? [256] : [512, 1024]).map((s): [Product, string] => [
    product(s, s, s),
    `${s}×${s} · ${s}×${s}`,
  ]);
  return [...head, ...square].map(([shape, label]) => itemOf(shape, label));
};

export default list;
