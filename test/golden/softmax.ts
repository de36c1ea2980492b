import { gradients } from '../../src/ops/gradients.ts';
import { logSoftmax, softmax } from '../../src/ops/softmax.ts';
import { expectClose, type GoldenCheck, run, tensorOf } from './harness.ts';

const check: GoldenCheck = async (file, device) => {
  const { y, logarithm, dx } = await run(device, () => {
    const [x, dy] = ['x', 'grad_y'].map((name) => tensorOf(name, file.get(name)));
    const [y, logarithm] = [softmax(x), logSoftmax(x)];
    return { y, logarithm, dx: gradients(y, [x], dy)[0] };
  });
  expectClose('y', y, file.get('y'), 3e-6);
  expectClose('log_softmax', logarithm, file.get('log_softmax'), 3e-6);
  expectClose('grad_x', dx, file.get('grad_x'), 3e-6);
  return undefined;
};

export default check;
