import { leakyRelu } from '../../src/ops/unary.ts';
import { checkWithGradients } from './harness.ts';

export default checkWithGradients(['x'], ([x], file) => leakyRelu(x, file.number('slope')));
