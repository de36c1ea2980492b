import { sigmoid } from '../../src/ops/unary.ts';
import { checkWithGradients } from './harness.ts';

export default checkWithGradients(['x'], ([x]) => sigmoid(x));
