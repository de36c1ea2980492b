import { constant } from '../../src/graph/trace.ts';
import { cosineSimilarity } from '../../src/ops/cosine_similarity.ts';
import { noise } from '../arrays.ts';
import type { ListItems } from '../benchmark.ts';
import { graphItem } from '../graph_implementation.ts';
import { simclrSettings } from '../simclr.ts';

/** Cosines of all pairs of rows. Value to compare: `s` [rows, others]. */
export interface CosineProblem {
  /** a is [rows, columns], b [others, columns]. */
  readonly rows: number;
  readonly others: number;
  readonly columns: number;
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/** Embeddings of a batch with each other, and features of test images with those of a training set. */
const list: ListItems<CosineProblem> = ({ pairs, quick }) => {
  const { embeddingDim } = simclrSettings();
  const sizes = quick
    ? [[2 * pairs, 2 * pairs, embeddingDim] as const]
    : ([
        [2 * pairs, 2 * pairs, embeddingDim],
        [512, 512, embeddingDim],
        [256, 5000, 512],
      ] as const);
  return sizes.map(([rows, others, columns]) =>
    graphItem<CosineProblem>({
      name: 'cosine_similarity',
      shape: `${rows}×${columns}, ${others}×${columns}`,
      make: () => ({ rows, others, columns, a: noise('a', rows * columns), b: noise('b', others * columns) }),
      build: ({ a, b }) => ({
        s: cosineSimilarity(constant('a', a, [rows, columns]), constant('b', b, [others, columns])),
      }),
      tolerance: () => 1e-5,
    }),
  );
};

export default list;
