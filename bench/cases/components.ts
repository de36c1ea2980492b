import { constant } from '../../src/graph/trace.ts';
import { components, nearestOther } from '../../src/losses/components.ts';
import { cast } from '../../src/ops/cast.ts';
import { noise } from '../arrays.ts';
import type { ListItems } from '../benchmark.ts';
import { graphItem } from '../graph_implementation.ts';

/** WCL's labels: connected components of the nearest-neighbour graph of a batch. Value to compare: `labels` [rows]. */
export interface ComponentsProblem {
  /** [rows, columns]. */
  readonly v: Float32Array;
}

const list: ListItems<ComponentsProblem> = ({ quick }) =>
  (quick ? [64] : [64, 512, 2048]).map((rows) => {
    const shape = [rows, 128] as const;
    return graphItem<ComponentsProblem>({
      name: 'components of the nearest-neighbour graph',
      shape: shape.join('×'),
      make: () => ({ v: noise('v', rows * 128) }),
      build: ({ v }) => ({ labels: cast(components(nearestOther(constant('v', v, shape))), 'f32') }),
      tolerance: () => 1e-6,
    });
  });

export default list;
