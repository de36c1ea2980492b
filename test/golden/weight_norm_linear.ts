import { l2Normalize } from '../../src/ops/l2_normalize.ts';
import { linear } from '../../src/ops/linear.ts';
import { checkWithGradients } from './harness.ts';

/** What `WeightNormLinear` does with rows of length one. */
export default checkWithGradients(['x', 'weight_v'], ([x, v]) => linear(l2Normalize(x), l2Normalize(v)));
