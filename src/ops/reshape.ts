import { check, elements, type Op, type Shape, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';

/** The same elements under another shape; no memory moves. */
export const reshapeOp: Op<{ shape: Shape }> = {
  name: 'reshape',
  infer([x], { shape }) {
    check(elements(shape) === x.size, 'reshape', `[${shape}] must have as many elements as the input`, x);
    return [{ shape, dtype: x.dtype }];
  },
  launches: () => [],
  gradient: ({ inputs: [x] }, [dy]) => [dy && reshape(dy, x.shape)],
  storage: 'view',
};

/** The same elements in row-major order under another shape. */
export const reshape = (x: Tensor, shape: Shape): Tensor => apply(reshapeOp, [x], { shape })[0];
