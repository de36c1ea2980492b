import type { Tensor } from '../../src/graph/tensor.ts';
import { constant } from '../../src/graph/trace.ts';
import { scaledDotProductAttention } from '../../src/ops/attention.ts';
import { mul } from '../../src/ops/binary.ts';
import { bmm } from '../../src/ops/bmm.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { softmax } from '../../src/ops/softmax.ts';
import { noise } from '../arrays.ts';
import type { Item, ListItems } from '../benchmark.ts';
import { graphItem } from '../graph_implementation.ts';

/** softmax(q kᵀ / √d) v, forward and backward. Values to compare: `y`, `dq`, `dk` and `dv`, [matrices, tokens, d] each. */
export interface AttentionProblem {
  /** Of q, k, v and dy. */
  readonly shape: readonly [matrices: number, tokens: number, d: number];
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
  readonly dy: Float32Array;
}

/** By a stored matrix of all pairs. */
function composed(q: Tensor, k: Tensor, v: Tensor): Tensor {
  const scores = mul(bmm(q, k, { transposeB: true }), 1 / Math.sqrt(q.shape[2]));
  return bmm(softmax(scores), v);
}

const ways = { 'attention, fused': scaledDotProductAttention, 'attention, composed': composed };

const item = (way: keyof typeof ways, shape: AttentionProblem['shape']): Item<AttentionProblem> => {
  const size = shape[0] * shape[1] * shape[2];
  return graphItem<AttentionProblem>({
    name: `${way}, forward + backward`,
    shape: shape.join('×'),
    make: () => {
      const [q, k, v, dy] = ['q', 'k', 'v', 'dy'].map((name) => noise(name, size));
      return { shape, q, k, v, dy };
    },
    build(problem) {
      const [q, k, v, dy] = (['q', 'k', 'v', 'dy'] as const).map((name) => constant(name, problem[name], shape));
      const y = ways[way](q, k, v);
      const [dq, dk, dv] = gradients(y, [q, k, v], dy);
      return { y, dq, dk, dv };
    },
    tolerance: () => 1e-5,
  });
};

/** Matrices are as many as images times heads. */
const list: ListItems<AttentionProblem> = ({ quick }) => {
  const shapes = quick
    ? ([[6, 17, 16]] as const)
    : ([
        [48, 65, 64],
        [24, 197, 64],
        [6, 785, 64],
      ] as const);
  return shapes.flatMap((shape) => (Object.keys(ways) as (keyof typeof ways)[]).map((way) => item(way, shape)));
};

export default list;
