import { gelu } from '../../src/ops/unary.ts';
import { checkWithGradients } from './harness.ts';

export default checkWithGradients(['x'], ([x]) => gelu(x));
