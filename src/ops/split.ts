import { check, type Op, type Shape, type Tensor } from '../graph/tensor.ts';
import { apply, constant } from '../graph/trace.ts';
import { cast } from './cast.ts';
import { expand } from './reduce.ts';
import { checkedAxis, concat, copyLaunch, inOrder } from './strided_copy.ts';
import { stridesOf } from './strides.ts';

interface SplitAttrs {
  readonly axis: number;
  /** How much of the axis each output has. */
  readonly sizes: readonly number[];
}

/** Output k is the range of x along an axis that begins where output k − 1 ends; one launch for each. */
export const splitOp: Op<SplitAttrs> = {
  name: 'split',
  infer([x], { axis, sizes }) {
    const whole = sizes.length > 0 && sizes.every((size) => Number.isInteger(size) && size >= 1);
    const all = sizes.reduce((sum, size) => sum + size, 0) === x.shape[axis];
    check(whole && all, 'split', `sizes [${sizes}] must add up to axis ${axis} of the input`, x);
    return sizes.map((size) => ({ shape: x.shape.with(axis, size), dtype: x.dtype }));
  },
  launches({ inputs: [x], outputs, attrs: { axis } }) {
    const strides = stridesOf(x.shape);
    let start = 0;
    return outputs.map((y) => {
      const from = { offset: start * strides[axis], strides };
      start += y.shape[axis];
      return copyLaunch('split', y.shape, x, from, y, inOrder(y.shape));
    });
  },
  // One copy of the whole, where slices would each be padded to the whole and added up.
  gradient: ({ outputs, attrs: { axis } }, dy) => [
    concat(
      outputs.map(({ shape, dtype }, k) => dy[k] ?? zeros(shape, dtype)),
      axis,
    ),
  ],
};

/** What an output that nothing used has for a gradient. */
function zeros(shape: Shape, dtype: Tensor['dtype']): Tensor {
  const zero = constant('zero', new Float32Array(1));
  return expand(dtype === 'f16' ? cast(zero, 'f16') : zero, shape);
}

/**
 * As `torch.split`: x in ranges of these sizes along an axis; any type. Cheaper than slices where all of them are used, as each of
 * those has a gradient as large as x.
 */
export const split = (x: Tensor, sizes: readonly number[], axis: number): readonly Tensor[] =>
  apply(splitOp, [x], { axis: checkedAxis('split', x, axis), sizes });
