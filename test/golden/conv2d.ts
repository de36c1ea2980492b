import { elements } from '../../src/graph/tensor.ts';
import { conv2d } from '../../src/ops/conv2d.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { channelsFirst, channelsLast, expectClose, type GoldenCheck, run, tensorOf, toleranceOf } from './harness.ts';

/** OIHW becomes [O, kh, kw, I] by the same move of the second axis to the end as NCHW becomes NHWC. */
const check: GoldenCheck = async (file, device) => {
  const [x, w, dy] = ['x', 'weight', 'grad_y'].map((name) => channelsLast(file.get(name)));
  const window = { stride: file.number('stride', 1), padding: file.number('padding', 0) };
  const { y, dx, dw } = await run(device, () => {
    const [input, weight] = [tensorOf('x', x), tensorOf('w', w)];
    const result = conv2d(input, weight, window);
    const [dInput, dWeight] = gradients(result, [input, weight], tensorOf('dy', dy));
    return { y: result, dx: dInput, dw: dWeight };
  });
  const last = { y: dy.shape, grad_x: x.shape, grad_weight: w.shape };
  const length = {
    y: elements(w.shape.slice(1)),
    grad_x: elements(w.shape.slice(0, 3)),
    grad_weight: elements(dy.shape.slice(0, 3)),
  };
  for (const [name, data] of Object.entries({ y, grad_x: dx, grad_weight: dw }) as [
    keyof typeof last,
    Float32Array,
  ][]) {
    const ours = channelsFirst({ shape: last[name], data });
    expectClose(name, ours.data, file.get(name), toleranceOf(length[name]));
  }
  return undefined;
};

export default check;
