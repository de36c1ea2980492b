import type { Shape } from '../../src/graph/tensor.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { maxPool2d } from '../../src/ops/max_pool.ts';
import { channelsFirst, channelsLast, expectClose, type GoldenCheck, run, tensorOf, toleranceOf } from './harness.ts';

const check: GoldenCheck = async (file, device) => {
  const [x, dy] = ['x', 'grad_y'].map((name) => channelsLast(file.get(name)));
  const kernel = file.number('kernel');
  const window = { kernel, stride: file.number('stride', kernel), padding: file.number('padding', 0) };
  const { y, dx } = await run(device, () => {
    const input = tensorOf('x', x);
    const result = maxPool2d(input, window);
    return { y: result, dx: gradients(result, [input], tensorOf('dy', dy))[0] };
  });
  const first = (shape: Shape, data: Float32Array) => channelsFirst({ shape, data }).data;
  expectClose('y', first(dy.shape, y), file.get('y'), 0);
  // An element is the largest of at most kernel² windows.
  expectClose('grad_x', first(x.shape, dx), file.get('grad_x'), toleranceOf(kernel ** 2));
  return undefined;
};

export default check;
