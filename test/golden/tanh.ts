import { tanh } from '../../src/ops/unary.ts';
import { checkWithGradients } from './harness.ts';

export default checkWithGradients(['x'], ([x]) => tanh(x));
