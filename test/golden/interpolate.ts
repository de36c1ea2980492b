import { gradients } from '../../src/ops/gradients.ts';
import { interpolate } from '../../src/ops/interpolate.ts';
import { channelsFirst, channelsLast, expectClose, type GoldenCheck, run, tensorOf } from './harness.ts';

const check: GoldenCheck = async (file, device) => {
  const [x, dy] = ['x', 'grad_y'].map((name) => channelsLast(file.get(name)));
  const { y, dx } = await run(device, () => {
    const input = tensorOf('x', x);
    const result = interpolate(input, [dy.shape[1], dy.shape[2]]);
    return { y: result, dx: gradients(result, [input], tensorOf('dy', dy))[0] };
  });
  expectClose('y', channelsFirst({ shape: dy.shape, data: y }).data, file.get('y'), 1e-6);
  expectClose('grad_x', channelsFirst({ shape: x.shape, data: dx }).data, file.get('grad_x'), 1e-6);
  return undefined;
};

export default check;
