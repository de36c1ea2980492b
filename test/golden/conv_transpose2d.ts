import { elements } from '../../src/graph/tensor.ts';
import { constant } from '../../src/graph/trace.ts';
import { add } from '../../src/ops/add.ts';
import { convTranspose2d } from '../../src/ops/conv_transpose2d.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { matmul } from '../../src/ops/matmul.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { channelsFirst, channelsLast, expectClose, type GoldenCheck, run, tensorOf, toleranceOf } from './harness.ts';

/**
 * PyTorch's weight [in, out, kh, kw] becomes [in, kh, kw, out] as NCHW becomes NHWC. The bias, a row for all pixels, is
 * added apart.
 */
const check: GoldenCheck = async (file, device) => {
  const [x, w, dy] = ['x', 'weight', 'grad_y'].map((name) => channelsLast(file.get(name)));
  const bias = file.get('bias');
  const pixels = elements(dy.shape.slice(0, 3));
  const window = {
    stride: file.number('stride'),
    padding: file.number('padding'),
    outputPadding: file.number('output_padding'),
  };
  const { y, dx, dw, db } = await run(device, () => {
    const [input, weight] = [tensorOf('x', x), tensorOf('w', w)];
    const row = tensorOf('bias', { ...bias, shape: [1, bias.data.length] });
    const everywhere = matmul(constant('ones', new Float32Array(pixels).fill(1), [pixels, 1]), row);
    const result = add(convTranspose2d(input, weight, window), reshape(everywhere, dy.shape));
    const [dInput, dWeight, dBias] = gradients(result, [input, weight, row], tensorOf('dy', dy));
    return { y: result, dx: dInput, dw: dWeight, db: dBias };
  });
  const ours = (shape: readonly number[], data: Float32Array) => channelsFirst({ shape, data }).data;
  expectClose('y', ours(dy.shape, y), file.get('y'), toleranceOf(elements(w.shape.slice(0, 3))));
  expectClose('grad_x', ours(x.shape, dx), file.get('grad_x'), toleranceOf(elements(w.shape.slice(1))));
  expectClose('grad_weight', ours(w.shape, dw), file.get('grad_weight'), toleranceOf(elements(x.shape.slice(0, 3))));
  expectClose('grad_bias', db, file.get('grad_bias'), toleranceOf(pixels));
  return undefined;
};

export default check;
